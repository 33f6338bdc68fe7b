import { expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { diagnoseDisk } from './disk.ts';

/** Each look at it is `ms` later than the one before: so long does every write take. */
const steppingClock = (ms: number): Clock => {
  let now = 0;
  const never = () => ({ cancel: () => undefined });
  return { now: () => (now += ms * 1000), after: never, every: never };
};

const findingsOn = async (ms: number) => {
  const directory = mkdtempSync(join(tmpdir(), 'mdp-disk-'));
  try {
    const request = { about: 'journal', directory, leastFreeBytes: 0 };
    const findings = await diagnoseDisk(request, steppingClock(ms));
    expect(readdirSync(directory)).toEqual([]);
    return findings.map(({ status, text, cure }) => `${status}: ${text}; ${cure ?? ''}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

test('finds nothing wrong with a disk that syncs within a few milliseconds', async () => {
  const findings = await findingsOn(3);
  expect(findings).toContain('ok: a sync takes 3.0 ms, at worst 3.0 ms; ');
  expect(findings).toContain('ok: 4 MiB and a sync take 3 ms, 1333 MiB/s; ');
});

test('warns of a disk whose every sync takes long, and of one that takes few bytes', async () => {
  const findings = await findingsOn(250);
  expect(findings).toContain(
    'warn: a sync takes 250.0 ms, at worst 250.0 ms; ' +
      'commits wait for it: use a faster or less busy disk',
  );
  expect(findings).toContain(
    'warn: 4 MiB and a sync take 250 ms, 16 MiB/s; ' +
      'fast markets write more: use a faster or less busy disk',
  );
});
