import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDisk } from '../journal/disk.ts';
import { frame, journalOn, never, state, tick } from '../journal/testing.ts';
import { createSystemClock } from '../runtime/system-clock.ts';
import { readLine } from '../sources/replay-line.ts';
import { journalCommand } from './journal.ts';

let directory = '';

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-journal-'));
  const { journal } = await journalOn(createDisk(), { directory, lock: undefined });
  journal.push(state(0));
  for (let n = 1; n <= 10; n += 1) journal.push(frame(n));
  journal.push(frame(11, 'other', 'second'));
  journal.push(tick(12));
  await journal.release(never);
});

afterEach(() => rmSync(directory, { recursive: true }));

const run = async (...args: string[]): Promise<{ code: number; out: string }> => {
  let out = '';
  const output = {
    write: (text: string) => {
      out += text;
    },
    isClosed: () => false,
    isTerminal: false,
    width: 80,
  };
  const context = { clock: createSystemClock(), stdout: output, stderr: output };
  const code = await journalCommand(args, {
    ...context,
    finish: never,
    stop: never,
    hangup: never,
  });
  return { code, out };
};

test('ls shows the segments, verify that every record is whole', async () => {
  expect((await run('ls', directory)).out).toMatch(/^\d{16}-00000001\.mdpj  \d+  \d+  \d+  /);
  const verified = await run('verify', directory);
  expect(verified.code).toBe(0);
  expect(verified.out).toContain('13 records  11 frames');
});

test('verify names a damaged record and fails', async () => {
  const [name = ''] = readdirSync(directory).filter((file) => file.endsWith('.mdpj'));
  const bytes = readFileSync(join(directory, name));
  bytes[300] = (bytes[300] ?? 0) ^ 1;
  writeFileSync(join(directory, name), bytes);
  const { code, out } = await run('verify', directory);
  expect(code).toBe(1);
  expect(out).toMatch(/1 frames missing\n {2}damaged: \d+ bytes at position \d+/);
});

test('cat writes every record with its position, from a position and of a source', async () => {
  const all = (await run('cat', directory)).out.trimEnd().split('\n');
  expect(all.length).toBe(13);
  expect(all[12]).toContain('"kind":"tick"');
  const position = /"position":(\d+)/.exec(all[3] ?? '')?.[1] ?? '';
  const { out } = await run('cat', directory, '--from', position, '--source', 'venue');
  expect(out.trimEnd().split('\n')).toEqual([...all.slice(3, 11), all[12] ?? '']);
});

test('export writes lines that a replay reads', async () => {
  const lines = (await run('export', directory, '--source', 'venue')).out.trimEnd().split('\n');
  expect(lines.map(readLine)).toEqual([
    { kind: 'connect', at: state(0).receiveTime, conn: 'venue-1' },
    ...Array.from({ length: 10 }, (_, n) => ({
      kind: 'frame' as const,
      at: frame(n + 1).receiveTime,
      conn: 'venue-1',
      text: frame(n + 1).text,
    })),
  ]);
});

test.each([[], ['tidy'], ['cat', '/tmp', '--from', 'x'], ['ls', 'a', 'b']])(
  'refuses %p as usage',
  (...args) => {
    expect(run(...args)).rejects.toMatchObject({ code: 'usage' });
  },
);

test('says that a directory holds no journal that can be read', () => {
  expect(run('ls', join(directory, 'none'))).rejects.toMatchObject({ code: 'disk' });
});
