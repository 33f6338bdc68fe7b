import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { FollowedFiles } from './followed-files.ts';

const LONG_MS = 5000;

test('tells of files on the list, also of what changed before anyone listened', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mdp-followed-'));
  try {
    const [a, b] = [join(directory, 'a'), join(directory, 'b')];
    const clock = new HandClock(0);
    const told: string[] = [];
    const files = new FollowedFiles(clock);
    files.follow([a, undefined, a]);
    writeFileSync(a, 'early');
    clock.advance(LONG_MS);
    files.tell((path) => told.push(path));
    expect(told).toEqual([a]);
    files.follow([a, b]);
    writeFileSync(b, 'new');
    clock.advance(LONG_MS);
    expect(told).toEqual([a, b]);
    files.follow([b]);
    writeFileSync(a, 'no longer on the list');
    clock.advance(LONG_MS);
    expect(told).toEqual([a, b]);
    files.follow([]);
    expect(clock.pending).toBe(0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
