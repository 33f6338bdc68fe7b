import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Table } from '../sinks/sink.ts';
import type { QueuedBatch } from './batcher.ts';
import { SinkQueue, type BackpressurePolicy } from './sink-queue.ts';

const never = new AbortController().signal;

const batch = (table: Table, n: number): QueuedBatch => ({
  batch: { table, rows: [], bytes: n },
  openedAt: n,
  epoch: 0,
  held: [],
});

const queueOf = (policy: BackpressurePolicy, maxBatches: number, memoryFull = () => false) => {
  const dropped: QueuedBatch[] = [];
  const onDrop = (opened: QueuedBatch): void => void dropped.push(opened);
  return { queue: new SinkQueue({ maxBatches, policy, memoryFull, onDrop }), dropped };
};

const drain = (queue: SinkQueue): QueuedBatch[] => {
  const all: QueuedBatch[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) all.push(next);
  return all;
};

describe('the sink queue', () => {
  test('conserves: every batch comes out or is dropped, bars and gaps are never dropped', () => {
    const table = fc.constantFrom<Table>('trade', 'quote', 'bar', 'gap', 'dead_letter');
    const policy = fc.constantFrom<BackpressurePolicy>('block', 'drop_oldest', 'drop_newest');
    fc.assert(
      fc.property(policy, fc.array(table, { maxLength: 60 }), (chosen, tables) => {
        const { queue, dropped } = queueOf(chosen, 4);
        for (const [n, name] of tables.entries()) queue.push(batch(name, n));
        const out = drain(queue);
        expect(out.length + dropped.length).toBe(tables.length);
        for (const opened of dropped) expect(['trade', 'quote']).toContain(opened.batch.table);
        const order = out.map(({ openedAt }) => openedAt);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
    );
  });

  test('block makes the reader wait at the bound', () => {
    const { queue } = queueOf('block', 2);
    queue.push(batch('trade', 1));
    expect(queue.blocked).toBe(false);
    queue.push(batch('trade', 2));
    expect(queue.blocked).toBe(true);
    queue.take();
    expect(queue.blocked).toBe(false);
  });

  test('whoever waits for room is woken by a batch that leaves and by one settled', async () => {
    const { queue } = queueOf('block', 1);
    queue.push(batch('trade', 1));
    const room = queue.emptied(never);
    queue.take();
    await room;
    const memory = queue.emptied(never);
    queue.settled();
    await memory;
  });

  test('drop_oldest gives up the oldest batch of trades or quotes', () => {
    const { queue, dropped } = queueOf('drop_oldest', 2);
    queue.push(batch('bar', 1));
    queue.push(batch('trade', 2));
    queue.push(batch('trade', 3));
    expect(dropped.map(({ openedAt }) => openedAt)).toEqual([2]);
    expect(drain(queue).map(({ openedAt }) => openedAt)).toEqual([1, 3]);
  });

  test('drop_newest refuses the batch that comes', () => {
    const { queue, dropped } = queueOf('drop_newest', 2);
    for (let n = 1; n <= 3; n += 1) queue.push(batch('trade', n));
    expect(dropped.map(({ openedAt }) => openedAt)).toEqual([3]);
  });

  test('makes the reader wait under every policy when only bars wait', () => {
    const { queue } = queueOf('drop_oldest', 1);
    queue.push(batch('bar', 1));
    expect(queue.blocked).toBe(true);
  });

  test('drops before the reader waits when memory is full', () => {
    const { queue, dropped } = queueOf('drop_oldest', 100, () => true);
    queue.push(batch('trade', 1));
    queue.push(batch('trade', 2));
    expect(dropped.map(({ openedAt }) => openedAt)).toEqual([1]);
    expect(queue.blocked).toBe(false);
  });
});
