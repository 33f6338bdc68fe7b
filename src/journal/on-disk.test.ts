import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDisk } from './disk.ts';
import { frame, journalOn, never, recordsOf, takeBlocks, takeRecords } from './testing.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-journal-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

const onDisk = (path: string) => ({ directory: path, lock: undefined });

test('on a real disk what went in comes out, in this run and in the next', async () => {
  const sent = Array.from({ length: 5000 }, (_, n) => frame(n));
  const first = await journalOn(createDisk(), onDisk(join(directory, 'new')));
  for (const record of sent) first.journal.push(record);
  expect(await takeRecords(first.journal, sent.length)).toEqual(sent);
  await first.journal.release(never);
  const second = await journalOn(createDisk(), onDisk(join(directory, 'new')));
  second.journal.close();
  expect(recordsOf(await takeBlocks(second.journal))).toEqual(sent);
  await second.journal.release(never);
});

test('another process that holds the directory is named, and its death lets go', async () => {
  const script = `
    import { journalOn } from ${JSON.stringify(join(import.meta.dir, 'testing.ts'))};
    import { createDisk } from ${JSON.stringify(join(import.meta.dir, 'disk.ts'))};
    await journalOn(createDisk(), { directory: ${JSON.stringify(directory)}, lock: undefined });
    console.log('open');
    setInterval(() => undefined, 1000);`;
  const holder = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' });
  await holder.stdout.getReader().read();
  const opening = journalOn(createDisk(), onDisk(directory));
  expect(opening).rejects.toMatchObject({ code: 'locked' });
  await opening.catch((error: unknown) => expect(String(error)).toContain(`${holder.pid}`));
  holder.kill('SIGKILL');
  await holder.exited;
  const { journal } = await journalOn(createDisk(), onDisk(directory));
  await journal.release(never);
});

test('a directory that cannot be made is refused, with the cure', async () => {
  const opening = journalOn(createDisk(), onDisk('/proc/none'));
  expect(opening).rejects.toMatchObject({ code: 'disk' });
  await opening.catch(() => undefined);
});

test.skipIf(Bun.which('strace') === null)(
  'the name of a new directory, and of those made above it, is synced before it is used',
  () => {
    const script = `
      import { createDisk } from ${JSON.stringify(join(import.meta.dir, 'disk.ts'))};
      await createDisk().makeDirectory('./above/journal');`;
    const trace = ['strace', '-f', '-y', '-e', 'trace=fsync', process.execPath, '-e', script];
    const { stderr } = Bun.spawnSync(trace, { cwd: directory });
    const synced = [...stderr.toString().matchAll(/fsync\(\d+<([^>]*)>/g)].map((match) => match[1]);
    expect(synced).toEqual([join(directory, 'above'), directory]);
  },
);

const mount = (...args: string[]): boolean =>
  Bun.spawnSync(['mount', ...args], { stderr: 'ignore' }).success;

describe('on a file system that is really full', () => {
  const mountable = process.getuid?.() === 0 && process.platform === 'linux';

  test.skipIf(!mountable)('frames wait in memory and go to disk when there is space', async () => {
    if (!mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory)) {
      throw new Error('this machine lets root mount no tmpfs');
    }
    try {
      const { journal, lines } = await journalOn(createDisk(), onDisk(directory));
      const sent = Array.from({ length: 3000 }, (_, n) => frame(n, `${n} `.padEnd(1000, 'x')));
      for (const record of sent) journal.push(record);
      expect(await takeRecords(journal, sent.length)).toEqual(sent);
      expect(journal.report()).toMatchObject({ state: 'away', errno: 'ENOSPC' });
      expect(lines.some(({ fields }) => fields['errno'] === 'ENOSPC')).toBe(true);
      expect(mount('-o', 'remount,size=16m', directory)).toBe(true);
      await journal.release(never);
      expect(journal.report()).toMatchObject({ state: 'writing', unsyncedBytes: 0 });
      const again = await journalOn(createDisk(), onDisk(directory));
      again.journal.close();
      expect(recordsOf(await takeBlocks(again.journal))).toEqual(sent);
      await again.journal.release(never);
    } finally {
      Bun.spawnSync(['umount', '-l', directory]);
    }
  });
});
