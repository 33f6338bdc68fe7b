import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { recordsIn } from '../journal/block.ts';
import type { DropPolicy } from '../journal/record-buffer.ts';
import type { MarketRecord } from '../market/record.ts';
import { receiveTime } from '../market/time.ts';
import { MemoryBudget } from './memory.ts';
import { RecordQueue } from './record-queue.ts';

const never = new AbortController().signal;

const frame = (n: number, text = 'x'.repeat(100)): MarketRecord => ({
  kind: 'frame',
  receiveTime: receiveTime(n),
  source: 's',
  connection: 1,
  text,
});

const tick = (n: number): MarketRecord => ({
  kind: 'tick',
  receiveTime: receiveTime(n),
  source: 's',
  connection: 1,
  arrival: receiveTime(n),
});

const queueOf = (policy: DropPolicy, maxBlocks: number, limit = 1e9) => {
  const memory = new MemoryBudget(limit);
  const drops = { count: 0 };
  const onDrop = (_source: string, count: number): void => {
    drops.count += count;
  };
  return { queue: new RecordQueue({ maxBlocks, policy, memory, start: 1, onDrop }), memory, drops };
};

const taken = (queue: RecordQueue): MarketRecord[] => {
  const block = queue.take();
  return block === undefined ? [] : recordsIn(block).map(({ record }) => record);
};

const takeAll = (queue: RecordQueue): MarketRecord[] => {
  const all: MarketRecord[] = [];
  for (let some = taken(queue); some.length > 0; some = taken(queue)) all.push(...some);
  return all;
};

const framesIn = (records: readonly MarketRecord[]): number =>
  records.filter(({ kind }) => kind === 'frame').length;

const droppedIn = (records: readonly MarketRecord[]): number =>
  records.reduce((sum, record) => sum + (record.kind === 'state' ? record.count : 0), 0);

describe('the record queue', () => {
  test('hands records on in order and gives their memory back', () => {
    const { queue, memory } = queueOf('oldest', 64);
    const sent = Array.from({ length: 2000 }, (_, n) => frame(n));
    for (const record of sent) queue.push(record);
    expect(memory.total).toBeGreaterThan(2000 * 100);
    expect(takeAll(queue)).toEqual(sent);
    expect(memory.total).toBe(0);
  });

  test('conserves: every frame comes out or is counted as dropped, the last tick comes out', () => {
    const action = fc.oneof(
      { weight: 20, arbitrary: fc.constant('frames' as const) },
      { weight: 3, arbitrary: fc.constant('tick' as const) },
      { weight: 2, arbitrary: fc.constant('take' as const) },
    );
    const policies = fc.constantFrom<DropPolicy>('oldest', 'newest', 'block');
    fc.assert(
      fc.property(policies, fc.array(action, { maxLength: 120 }), (policy, actions) => {
        const { queue, memory, drops } = queueOf(policy, 3, policy === 'block' ? 400_000 : 1e9);
        const out: MarketRecord[] = [];
        let frames = 0;
        let lastTick: number | undefined;
        for (const [n, what] of actions.entries()) {
          if (what === 'take') out.push(...taken(queue));
          else if (what === 'tick') {
            lastTick = n;
            queue.push(tick(n));
          } else {
            frames += 100;
            for (let i = 0; i < 100; i += 1) queue.push(frame(n * 100 + i));
          }
          if (policy === 'block') expect(memory.total).toBeLessThan(2 * 400_000 + 50_000);
          else expect(queue.length).toBeLessThanOrEqual(3 + 1);
        }
        out.push(...takeAll(queue));
        expect(framesIn(out) + drops.count).toBe(frames);
        expect(droppedIn(out)).toBe(drops.count);
        const lastOut = out.findLast(({ kind }) => kind === 'tick');
        expect(lastOut?.receiveTime).toBe(
          lastTick === undefined ? undefined : receiveTime(lastTick),
        );
        expect(memory.total).toBe(0);
        const times = out.filter(({ kind }) => kind === 'frame').map((r) => r.receiveTime);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
  });
});

describe('the record queue at its bound', () => {
  test('oldest gives up the oldest frames and keeps the newest', () => {
    const { queue, drops } = queueOf('oldest', 2);
    for (let n = 0; n < 512 * 5; n += 1) queue.push(frame(n));
    const out = takeAll(queue);
    expect(drops.count).toBeGreaterThan(0);
    expect(out.at(-1)?.receiveTime).toBe(receiveTime(512 * 5 - 1));
    expect(out[0]).toMatchObject({ kind: 'state', state: 'dropped', count: drops.count });
  });

  test('newest refuses what comes and keeps what waits', () => {
    const { queue, drops } = queueOf('newest', 2);
    for (let n = 0; n < 512 * 5; n += 1) queue.push(frame(n));
    const out = takeAll(queue);
    expect(out[0]?.receiveTime).toBe(receiveTime(0));
    expect(drops.count).toBe(512 * 3);
    expect(out.at(-1)).toMatchObject({ kind: 'state', state: 'dropped', count: 512 * 3 });
  });

  test('does not grow by ticks while nobody reads, however long', () => {
    const policies = ['oldest', 'newest', 'block'] as const;
    for (const [policy, bound] of policies.flatMap((each) =>
      [1, 2, 9].map((n) => [each, n] as const),
    )) {
      const limit = policy === 'block' ? 1024 * 1024 : 1e9;
      const { queue, memory, drops } = queueOf(policy, bound, limit);
      for (let n = 0; n < 10_000; n += 1) queue.push(frame(n));
      const before = memory.total;
      for (let n = 0; n < 10_000; n += 1) {
        queue.push(frame(n));
        queue.push(tick(n));
        queue.push({ ...tick(n), connection: 2 });
      }
      if (policy !== 'block') expect(queue.length).toBeLessThanOrEqual(bound + 1);
      expect(memory.total).toBeLessThan(before + 1024 * 1024);
      const out = takeAll(queue);
      expect(droppedIn(out)).toBe(drops.count);
      expect(framesIn(out) + drops.count).toBe(20_000);
      expect(memory.total).toBe(0);
    }
  });

  test('block drops nothing while sources that were told to wait deliver their slack', async () => {
    const { queue, drops } = queueOf('block', 2);
    for (let n = 0; n < 512 * 3; n += 1) queue.push(frame(n));
    expect(queue.full).toBe(true);
    expect(drops.count).toBe(0);
    const room = queue.emptied(never);
    queue.take();
    await room;
    expect(framesIn(takeAll(queue))).toBe(512 * 2);
  });

  test('is full when waiting data elsewhere have used up the memory', () => {
    const { queue, memory, drops } = queueOf('newest', 64, 10_000);
    memory.addBatches(10_000);
    queue.push(frame(1));
    expect(queue.full).toBe(true);
    expect(drops.count).toBe(1);
  });

  test('wakes the reader once for all frames of a turn', async () => {
    const { queue } = queueOf('oldest', 4);
    const filled = queue.filled(never);
    for (let n = 0; n < 10; n += 1) queue.push(frame(n));
    await filled;
    expect(queue.take()?.records).toBe(10);
  });
});
