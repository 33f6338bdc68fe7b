import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { MarketRecord } from '../market/record.ts';
import type { Journal } from './journal.ts';
import type { DropPolicy } from './record-buffer.ts';
import {
  Memory,
  MemoryDisk,
  frame,
  journalOn,
  never,
  recordsOf,
  state,
  takeBlocks,
  takeRecords,
  tick,
  until,
} from './testing.ts';

const MiB = 1024 ** 2;
const TEXT = 'x'.repeat(500);

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Pushes as a source does that never waits; the disk gets its turns. */
const flood = async (journal: Journal, from: number, count: number): Promise<void> => {
  for (let n = from; n < from + count; n += 1) {
    journal.push(n % 50 === 0 ? tick(n) : frame(n, TEXT));
    if (n % 200 === 199) await journal.persist(journal.end.position, AbortSignal.timeout(100));
  }
  await turns(5);
};

const framesIn = (records: readonly MarketRecord[]): number =>
  records.filter(({ kind }) => kind === 'frame').length;

const toldIn = (records: readonly MarketRecord[]): number =>
  records.reduce((sum, record) => sum + (record.kind === 'state' ? record.count : 0), 0);

const usedOf = ({ files }: MemoryDisk): number =>
  [...files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);

const OPTIONS = { maxBytes: MiB, fsyncMs: 0, maxBlocks: 4 } as const;

describe('at its bound the journal', () => {
  test.each<DropPolicy>(['oldest', 'newest', 'block'])(
    'with policy %s conserves frames, keeps ticks, and tells drops where they happened',
    async (policy) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ push: fc.nat(3000), take: fc.nat(8) }), { maxLength: 4 }),
          async (rounds) => {
            const { journal, drops, memory } = await journalOn(new MemoryDisk(), {
              ...OPTIONS,
              policy,
            });
            const out: MarketRecord[] = [];
            let pushed = 0;
            for (const { push, take } of rounds) {
              await flood(journal, pushed, push);
              pushed += push;
              for (let i = 0; i < take; i += 1)
                out.push(...recordsOf([journal.take()].filter((one) => one !== undefined)));
            }
            journal.close();
            out.push(...recordsOf(await takeBlocks(journal)));
            await journal.release(never);
            const ticks = Math.ceil(pushed / 50);
            expect(out.filter(({ kind }) => kind === 'tick').length).toBe(ticks);
            expect(framesIn(out) + toldIn(out)).toBe(pushed - ticks);
            expect(toldIn(out)).toBe(drops.count);
            const times = out.flatMap((r) => (r.kind === 'state' ? [] : [r.receiveTime]));
            expect(times).toEqual(times.toSorted((a, b) => a - b));
            expect(journal.report().lostFrames).toBe(0);
            expect(memory.bytes).toBe(0);
          },
        ),
        { numRuns: 8 },
      );
    },
    30_000,
  );
});

describe('policy oldest', () => {
  test('gives up the oldest unread frames and stays within its bytes', async () => {
    const { journal, drops, lines } = await journalOn(new MemoryDisk(), OPTIONS);
    journal.push(state(0, 'started'));
    await flood(journal, 1, 6000);
    expect(journal.report().bytes).toBeLessThan(1.5 * MiB);
    expect(lines.some(({ message }) => message.includes('frames were given up'))).toBe(true);
    journal.close();
    const blocks = await takeBlocks(journal);
    const out = recordsOf(blocks);
    await journal.release(never);
    expect(toldIn(recordsOf(blocks.filter((block) => block.givenUp)))).toBeGreaterThan(500);
    expect(out[0]).toEqual(state(0, 'started'));
    expect(out[1]).toMatchObject({ kind: 'state', state: 'dropped' });
    expect(out.at(-1)).toEqual(tick(6000));
    expect(drops.count).toBeGreaterThan(2000);
  });

  test('gives up no more than it takes to have the free bytes again', async () => {
    const disk = new MemoryDisk();
    const options = { ...OPTIONS, maxBytes: 2 * MiB, minFreeBytes: MiB } as const;
    const first = await journalOn(disk, options);
    await flood(first.journal, 0, 3000);
    await first.journal.release(never);
    const capacity = usedOf(disk) + MiB - 1;
    disk.freeBytes = () => Promise.resolve(capacity - usedOf(disk));
    const { journal, drops } = await journalOn(disk, options);
    await until(() => drops.count > 0);
    await turns(50);
    const ofOneSegment = (2 * MiB) / 8 / TEXT.length;
    expect(drops.count).toBeLessThan(ofOneSegment);
    journal.close();
    const out = recordsOf(await takeBlocks(journal));
    await journal.release(never);
    expect(framesIn(out) + toldIn(out)).toBe(2940);
    expect(toldIn(out)).toBe(drops.count);
  });

  test('what was given up stays told when the program dies before it is read', async () => {
    const disk = new MemoryDisk();
    const { journal, drops } = await journalOn(disk, OPTIONS);
    await flood(journal, 1, 6000);
    await journal.release(never);
    const again = await journalOn(
      disk.crash(() => false),
      OPTIONS,
    );
    again.journal.close();
    const blocks = await takeBlocks(again.journal);
    const out = recordsOf(blocks);
    await again.journal.release(never);
    expect(blocks.filter((block) => block.givenUp)).toEqual([]);
    expect(toldIn(out)).toBe(drops.count);
    expect(framesIn(out) + toldIn(out)).toBe(6000 - 120);
    expect(again.journal.report()).toMatchObject({ lostFrames: 0, damaged: 0 });
  });
});

describe('policy newest', () => {
  test('refuses what comes, until what was read is settled', async () => {
    const { journal, drops } = await journalOn(new MemoryDisk(), { ...OPTIONS, policy: 'newest' });
    await flood(journal, 1, 3000);
    expect(drops.count).toBeGreaterThan(0);
    expect(journal.report().state).toBe('full');
    while (journal.take() !== undefined || journal.frames() > 0) await turns(1);
    expect(journal.wantsSettling).toBe(true);
    journal.settle(journal.taken.position);
    // Not full any more where a round of the keeper came first: then memory feeds the reader.
    if (journal.full) await journal.emptied(never);
    const before = drops.count;
    journal.push(frame(9000));
    expect(drops.count).toBe(before);
    await until(() => journal.report().state === 'writing');
    await journal.release(never);
  });
});

describe('policy block', () => {
  test('refuses nothing after a restart at the bound, before sources have paused', async () => {
    const disk = new MemoryDisk();
    const options = { ...OPTIONS, policy: 'block' } as const;
    const before = await journalOn(disk, options);
    await flood(before.journal, 0, 8000);
    expect(before.drops.count).toBeGreaterThan(0);
    await before.journal.release(never);
    for (let restart = 1; restart < 4; restart += 1) {
      const { journal, drops } = await journalOn(disk, options);
      expect(journal.full).toBe(true);
      await flood(journal, restart * 10_000, 100);
      expect(drops.count).toBe(0);
      await journal.release(never);
    }
  });

  test('asks sources to wait before anything is refused, then wakes them', async () => {
    const { journal, drops } = await journalOn(new MemoryDisk(), { ...OPTIONS, policy: 'block' });
    let n = 1;
    for (; !journal.full; n += 1) await flood(journal, n * 100, 100);
    expect(drops.count).toBe(0);
    const room = journal.emptied(never);
    while (journal.take() !== undefined || journal.frames() > 0) await turns(1);
    journal.settle(journal.taken.position);
    await room;
    expect<boolean>(journal.full).toBe(false);
    await journal.release(never);
  });

  test('asks sources to wait for what was read to settle, and writes on meanwhile', async () => {
    const disk = new MemoryDisk();
    const { journal, drops } = await journalOn(disk, { ...OPTIONS, policy: 'block' });
    let sent = 0;
    for (; !journal.full; sent += 100) {
      for (let i = sent; i < sent + 100; i += 1) journal.push(frame(i, TEXT));
      await takeRecords(journal, 100);
    }
    // Sockets that were paused bring more.
    for (let i = sent; i < sent + 1500; i += 1) journal.push(frame(i, TEXT));
    await takeRecords(journal, 1500);
    expect(await journal.persist(journal.end.position, never)).toBe(true);
    expect([journal.report().state, drops.count, journal.full]).toEqual(['full', 0, true]);
    expect(usedOf(disk)).toBeGreaterThan((sent + 1500) * TEXT.length);
    journal.settle(journal.taken.position);
    await journal.emptied(never);
    expect<boolean>(journal.full).toBe(false);
    await journal.release(never);
  });
});

describe('room', () => {
  test('is made by retained segments before any frame goes', async () => {
    const { journal, drops } = await journalOn(new MemoryDisk(), OPTIONS);
    for (let n = 0; n < 20; n += 1) {
      await flood(journal, n * 200, 200);
      while (journal.take() !== undefined || journal.frames() > 0) await turns(1);
      await journal.persist(journal.taken.position, never);
      journal.settle(journal.taken.position);
    }
    expect(drops.count).toBe(0);
    expect(journal.report().retainedBytes).toBeGreaterThan(0);
    expect(journal.report().bytes).toBeLessThan(1.2 * MiB);
    await journal.release(never);
  });

  test.each<DropPolicy>(['oldest', 'newest', 'block'])(
    'ends where the file system has too little left: with %s a reader is fed from memory',
    async (policy) => {
      const disk = new MemoryDisk();
      disk.free = 10 * MiB;
      const options = { minFreeBytes: 11 * MiB, policy };
      const { journal, drops, lines } = await journalOn(disk, { ...OPTIONS, ...options });
      await until(() => journal.report().state === 'away');
      expect(journal.report().errno).toBe('journal.min_free_bytes');
      let read = 0;
      for (let n = 0; n < 60_000; n += 100) {
        for (let i = n; i < n + 100; i += 1) journal.push(frame(i, TEXT));
        read += (await takeRecords(journal, 100)).length;
      }
      expect([read, drops.count, journal.full, disk.files.size]).toEqual([60_000, 0, false, 0]);
      disk.free = 20 * MiB;
      await until(() => journal.report().state === 'writing');
      journal.push(frame(1));
      expect(await journal.persist(journal.end.position, never)).toBe(true);
      expect(disk.files.size).toBeGreaterThan(0);
      expect(lines.map(({ message }) => message)).toContain('the journal writes again');
      await journal.release(never);
    },
  );

  test('ends where nothing settles: room comes of a checkpoint of what was read', async () => {
    const { journal, drops } = await journalOn(new MemoryDisk(), { ...OPTIONS, policy: 'newest' });
    for (let n = 0; n < 4000; n += 100) {
      for (let i = n; i < n + 100; i += 1) journal.push(frame(i, TEXT));
      await takeRecords(journal, 100);
      await journal.persist(journal.end.position, AbortSignal.timeout(20));
    }
    expect(drops.count).toBe(0);
    expect(journal.report()).toMatchObject({ state: 'away', errno: 'journal.max_bytes' });
    const { position } = journal.taken;
    expect(await journal.persist(position, never)).toBe(true);
    journal.settle(position);
    await until(() => journal.report().state === 'writing');
    await journal.release(never);
  });

  test('ends, but what is unread when the program stops is written', async () => {
    const disk = new MemoryDisk();
    disk.free = 10 * MiB;
    const options = { ...OPTIONS, minFreeBytes: 11 * MiB, policy: 'block' } as const;
    const { journal } = await journalOn(disk, options);
    await until(() => journal.report().state === 'away');
    journal.push(frame(1));
    await journal.release(never);
    const again = await journalOn(disk, { ...options, minFreeBytes: 0 });
    expect(framesIn(await takeRecords(again.journal, 1))).toBe(1);
    await again.journal.release(never);
  });
});

test('a disk that is slow makes sources wait before a frame is refused', async () => {
  const disk = new MemoryDisk();
  const { journal, drops } = await journalOn(disk, { policy: 'block' });
  const text = 'x'.repeat(10_000);
  let n = 0;
  for (; !journal.full; n += 1) journal.push(frame(n, text));
  expect(n * text.length).toBeGreaterThan(4 * MiB);
  expect(drops.count).toBe(0);
  await journal.emptied(never);
  expect<boolean>(journal.full).toBe(false);
  journal.close();
  expect(framesIn(recordsOf(await takeBlocks(journal)))).toBe(n);
  await journal.release(never);
});

describe('beside a sync that takes its time', () => {
  const LONG = 'x'.repeat(MiB);

  /** Hands in `count` frames of 1 MiB, none of which is synced before that. */
  const whileSyncing = async (policy: DropPolicy, limit: number, count: number) => {
    const disk = new MemoryDisk();
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.hold = promise;
    const memory = new Memory();
    memory.limit = limit;
    const { journal, drops } = await journalOn(disk, { policy, memory, maxBytes: 1024 * MiB });
    let paused: number | undefined;
    for (let n = 0; n < count; n += 1) {
      journal.push(frame(n, LONG));
      if (journal.full) paused ??= n + 1;
      await turns(2);
    }
    resolve();
    journal.close();
    const frames = framesIn(recordsOf(await takeBlocks(journal)));
    await journal.release(never);
    return { paused, frames, dropped: drops.count };
  };

  test('policy block asks for a pause at 8 MiB, and takes what comes all the same', async () => {
    const { paused, frames, dropped } = await whileSyncing('block', 64 * MiB, 40);
    expect({ paused, frames, dropped }).toEqual({ paused: 8, frames: 40, dropped: 0 });
  });

  test('policy block refuses what would take more memory than all that waits may', async () => {
    const { frames, dropped } = await whileSyncing('block', 24 * MiB, 40);
    expect({ frames, dropped }).toEqual({ frames: 24, dropped: 16 });
  });

  test('other policies refuse beyond 16 MiB', async () => {
    const { frames, dropped } = await whileSyncing('newest', 64 * MiB, 40);
    expect({ frames, dropped }).toEqual({ frames: 16, dropped: 24 });
  });
});
