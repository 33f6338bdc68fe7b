import { describe, expect, test } from 'bun:test';
import type { Journal } from './journal.ts';
import {
  Memory,
  MemoryDisk,
  frame,
  journalOn,
  never,
  positionsOf,
  recordsOf,
  state,
  takeBlocks,
  takeRecords,
  tick,
  until,
} from './testing.ts';

const aborted = AbortSignal.abort();

/** Reads all of it and settles it, and waits until a segment is compressed. */
const retain = async (journal: Journal, disk: MemoryDisk): Promise<void> => {
  journal.close();
  const last = (await takeBlocks(journal)).at(-1)?.end.position ?? 0;
  await journal.persist(last, never);
  journal.settle(last);
  await until(() => [...disk.files.keys()].some((name) => name.endsWith('.mdpj.zst')));
  await journal.release(never);
};

describe('the journal', () => {
  test('hands records on in order, with rising positions; gives memory back', async () => {
    const { journal, memory } = await journalOn(new MemoryDisk());
    const sent = [
      state(0, 'started'),
      ...Array.from({ length: 3000 }, (_, n) => frame(n)),
      tick(1),
    ];
    for (const record of sent) journal.push(record);
    journal.close();
    const blocks = await takeBlocks(journal);
    expect(recordsOf(blocks)).toEqual(sent);
    const positions = positionsOf(blocks);
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
    expect(blocks.at(-1)?.end.frames).toBe(3000);
    expect(journal.frames()).toBe(0);
    expect(memory.bytes).toBe(0);
    await journal.release(never);
  });

  test('hands all of a burst on that goes over the end of a segment', async () => {
    const { journal } = await journalOn(new MemoryDisk(), { maxBytes: 24 * 1024 ** 2 });
    const sent = Array.from({ length: 40 }, (_, n) => frame(n, `${n} `.padEnd(100_000, 'x')));
    for (const record of sent) journal.push(record);
    journal.close();
    expect(journal.report().segments).toBe(0);
    expect(recordsOf(await takeBlocks(journal))).toEqual(sent);
    expect(journal.report().segments).toBe(2);
    await journal.release(never);
  });

  test('hands nothing on before the kernel has it', async () => {
    const disk = new MemoryDisk();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { journal } = await journalOn(disk);
    disk.fail = (call) => {
      if (call === 'write') resolve();
      return undefined;
    };
    journal.push(frame(1));
    expect(journal.take()).toBeUndefined();
    await promise;
    expect(journal.take()).toBeUndefined();
    expect(await takeRecords(journal, 1)).toEqual([frame(1)]);
    await journal.release(never);
  });

  test('goes on where the checkpoint stood, each record at its old position', async () => {
    const disk = new MemoryDisk();
    const first = await journalOn(disk);
    for (let n = 0; n < 2000; n += 1) first.journal.push(frame(n));
    first.journal.close();
    const blocks = await takeBlocks(first.journal);
    const mark = blocks[0]?.end;
    const rest = blocks.slice(1);
    await first.journal.release(never);
    const { journal } = await journalOn(disk, { from: mark });
    journal.push(frame(9999));
    journal.close();
    const again = await takeBlocks(journal);
    expect(recordsOf(again)).toEqual([...recordsOf(rest), frame(9999)]);
    const positions = positionsOf(again);
    expect(positions.slice(0, -1)).toEqual(positionsOf(rest));
    expect(again.every(({ lost }) => lost === 0)).toBe(true);
    await journal.release(never);
  });
});

test('gives the kernel at once what it has, for one who will hold the thread', async () => {
  const disk = new MemoryDisk();
  const { journal } = await journalOn(disk, { fsyncMs: 60_000 });
  journal.push(frame(1));
  await takeRecords(journal, 1);
  const calls: string[] = [];
  disk.fail = (call) => {
    calls.push(call);
    return undefined;
  };
  journal.push(frame(2));
  expect(calls).toEqual([]);
  journal.writeOut();
  // Before any timer: the disk of the test takes a microtask.
  await Promise.resolve();
  expect(calls).toEqual(['write']);
  await journal.release(never);
});

describe('a reader that is behind', () => {
  test('reads from disk what memory could not hold, else from memory', async () => {
    const { journal, memory } = await journalOn(new MemoryDisk(), { maxBlocks: 2 });
    const sent = Array.from({ length: 20_000 }, (_, n) => frame(n, `${n} `.padEnd(100, 'x')));
    for (let n = 0; n < 20_000; n += 50) journal.pushFrames(sent.slice(n, n + 50));
    await journal.persist(journal.end.position, never);
    expect(memory.bytes).toBeLessThan(2 * 256 * 1024);
    expect(await takeRecords(journal, 20_000)).toEqual(sent);
    journal.push(frame(20_000));
    expect(await takeRecords(journal, 1)).toEqual([frame(20_000)]);
    expect(journal.report()).toMatchObject({ lagBytes: 0, lostFrames: 0, damaged: 0 });
    await journal.release(never);
  });
});

describe('settled segments', () => {
  test('are given up when their time is over', async () => {
    const disk = new MemoryDisk();
    const options = { maxBytes: 1024 ** 2, retainMs: 0 };
    const { journal } = await journalOn(disk, options);
    for (let n = 0; n < 4000; n += 1) journal.push(frame(n, 'x'.repeat(100)));
    journal.close();
    const last = (await takeBlocks(journal)).at(-1)?.end.position ?? 0;
    await journal.persist(last, never);
    const before = journal.report().segments;
    expect(before).toBeGreaterThan(2);
    journal.settle(last);
    await journal.release(never);
    expect(journal.report().segments).toBe(1);
  });

  test('are kept compressed while they are retained', async () => {
    const disk = new MemoryDisk();
    const { journal } = await journalOn(disk, { maxBytes: 1024 ** 2 });
    for (let n = 0; n < 1500; n += 1) journal.push(frame(n, 'x'.repeat(100)));
    await retain(journal, disk);
    expect(journal.report().bytes).toBeLessThan(180_000);
    const again = await journalOn(disk);
    again.journal.close();
    const records = recordsOf(await takeBlocks(again.journal));
    expect(records).toEqual(Array.from({ length: 1500 }, (_, n) => frame(n, 'x'.repeat(100))));
    await again.journal.release(never);
  });

  test('are retained for as long behind a restart, compressed or not', async () => {
    const disk = new MemoryDisk();
    const { journal } = await journalOn(disk, { maxBytes: 1024 ** 2 });
    for (let n = 0; n < 1500; n += 1) journal.push(frame(n, 'x'.repeat(100)));
    await retain(journal, disk);
    const left = (): readonly string[] =>
      [...disk.files.keys()]
        .filter((name) => name.includes('.mdpj'))
        .map((name) => name.replace('.zst', ''))
        .toSorted();
    const segments = left();
    expect(segments.length).toBeGreaterThan(1);
    for (const expected of [segments, []]) {
      if (expected.length === 0) {
        for (const file of disk.files.values()) file.writtenAt -= 3_700_000_000;
      }
      const again = await journalOn(disk);
      again.journal.close();
      again.journal.settle((await takeBlocks(again.journal)).at(-1)?.end.position ?? 0);
      await again.journal.release(never);
      expect(left()).toEqual(expected);
    }
  });
});

describe('compressed segments', () => {
  test('are written piece by piece, and are the same', async () => {
    const disk = new MemoryDisk();
    const pieces: number[] = [];
    const pack = disk.pack.bind(disk);
    disk.pack = (bytes) => {
      pieces.push(bytes.length);
      return pack(bytes);
    };
    const { journal } = await journalOn(disk, { maxBytes: 24 * 1024 ** 2 });
    const sent = Array.from({ length: 40 }, (_, n) => frame(n, `${n} `.padEnd(100_000, 'x')));
    for (const record of sent) journal.push(record);
    await retain(journal, disk);
    expect(pieces.length).toBeGreaterThan(2);
    expect(Math.max(...pieces)).toBe(1024 ** 2);
    const again = await journalOn(disk);
    again.journal.close();
    expect(recordsOf(await takeBlocks(again.journal))).toEqual(sent);
    await again.journal.release(never);
  });
});

describe('a disk that fails', () => {
  test.each([
    ['sync', 1],
    ['write', 0],
  ])('a failed %s loses nothing: what is unsynced is written anew', async (what, syncFailures) => {
    const disk = new MemoryDisk();
    const { journal, lines } = await journalOn(disk, { fsyncMs: 0 });
    const { promise: failed, resolve } = Promise.withResolvers<void>();
    journal.push(frame(0));
    await journal.persist(journal.taken.position + 1, never);
    let faults = 1;
    disk.fail = (call) => {
      if (call !== what || faults === 0) return undefined;
      faults -= 1;
      resolve();
      return 'EIO';
    };
    for (let n = 1; n < 100; n += 1) journal.push(frame(n));
    await failed;
    for (let n = 100; n < 200; n += 1) journal.push(frame(n));
    const taken = await takeRecords(journal, 200);
    await journal.release(never);
    expect(taken.length).toBe(200);
    expect(journal.report()).toMatchObject({ syncFailures, state: 'writing' });
    expect(lines.map(({ message }) => message)).toContain(
      `a ${what} of the journal failed: its segment ends here, the rest is written anew`,
    );
    const after = await journalOn(disk.crash(() => false));
    after.journal.close();
    expect(recordsOf(await takeBlocks(after.journal))).toEqual(taken);
    await after.journal.release(never);
  });

  test.each(['ENOSPC', 'EIO'])(
    'with %s frames wait in memory, aloud, and are written when the disk is back',
    async (code) => {
      const disk = new MemoryDisk();
      const { journal, lines } = await journalOn(disk);
      disk.fail = (call) => (call === 'write' || call === 'create' ? code : undefined);
      for (let n = 0; n < 500; n += 1) journal.push(frame(n));
      const taken = await takeRecords(journal, 500);
      expect(taken.length).toBe(500);
      expect(journal.report()).toMatchObject({ state: 'away', errno: code });
      expect(lines.filter(({ level }) => level === 'error').length).toBeGreaterThan(0);
      disk.fail = () => undefined;
      await journal.release(never);
      expect(journal.report().state).toBe('writing');
      const again = await journalOn(disk);
      again.journal.close();
      expect(recordsOf(await takeBlocks(again.journal))).toEqual(taken);
      await again.journal.release(never);
    },
  );
});

test.each([
  ['is not in vain', [undefined, 'EIO'], 0],
  ['is not overlooked when it fails', ['EIO', undefined], 1],
])('a sync under way when the disk is full %s', async (_what, outcomes, condemned) => {
  const disk = new MemoryDisk();
  const { journal, lines } = await journalOn(disk, { fsyncMs: 60_000 });
  for (let n = 0; n < 100; n += 1) journal.push(frame(n));
  await takeRecords(journal, 100);
  const left = [...outcomes];
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.hold = promise;
  const persisted = journal.persist(journal.end.position, never);
  disk.fail = (call) => {
    if (call === 'write') return 'ENOSPC';
    return call === 'sync' ? left.shift() : undefined;
  };
  for (let n = 100; n < 110; n += 1) journal.push(frame(n));
  await until(() => journal.report().errno === 'ENOSPC');
  const before = journal.report().unsyncedBytes;
  resolve();
  await until(() => journal.report().syncFailures === condemned);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
  expect(journal.report().unsyncedBytes < before / 2).toBe(condemned === 0);
  const said = lines.filter(({ message }) => message.startsWith('a sync of the journal failed'));
  expect(said.length).toBe(condemned);
  disk.fail = () => undefined;
  expect(await persisted).toBe(true);
  await journal.persist(journal.end.position, never);
  const after = await journalOn(disk.crash(() => false));
  after.journal.close();
  expect(recordsOf(await takeBlocks(after.journal)).length).toBe(110);
  await Promise.all([journal.release(never), after.journal.release(never)]);
});

describe('a disk that is away for long', () => {
  test('what was read makes room, then frames are refused and told of', async () => {
    const disk = new MemoryDisk();
    const { journal, drops } = await journalOn(disk);
    disk.fail = (call) => (call === 'write' || call === 'create' ? 'ENOSPC' : undefined);
    const text = 'x'.repeat(10_000);
    for (let n = 0; n < 1000; n += 1) journal.push(frame(n, text));
    await takeRecords(journal, 1000);
    for (let n = 0; n < 3000; n += 1) journal.push(frame(n, text));
    journal.close();
    const rest = recordsOf(await takeBlocks(journal));
    const frames = rest.filter(({ kind }) => kind === 'frame').length;
    const told = rest.reduce(
      (sum, record) => sum + (record.kind === 'state' ? record.count : 0),
      0,
    );
    expect(drops.count).toBeGreaterThan(0);
    expect(frames + drops.count).toBe(3000);
    expect(told).toBe(drops.count);
    expect(await journal.persist(journal.taken.position, aborted)).toBe(false);
    await journal.release(aborted);
  });

  test('no more waits in memory than may', async () => {
    const disk = new MemoryDisk();
    const memory = new Memory();
    memory.limit = 2 * 1024 ** 2;
    const { journal, drops } = await journalOn(disk, { memory, policy: 'block' });
    disk.fail = (call) => (call === 'write' || call === 'create' ? 'EIO' : undefined);
    journal.push(frame(0));
    await until(() => journal.report().state === 'away');
    await until(() => {
      journal.push(frame(1, 'x'.repeat(10_000)));
      return journal.full;
    });
    expect(drops.count).toBe(0);
    expect(memory.bytes).toBeGreaterThan(memory.limit / 4);
    for (let n = 0; n < 1000; n += 1) journal.push(frame(n, 'x'.repeat(10_000)));
    expect(drops.count).toBeGreaterThan(0);
    expect(memory.bytes).toBeLessThan(memory.limit + 20_000);
    await journal.release(aborted);
  });
});
