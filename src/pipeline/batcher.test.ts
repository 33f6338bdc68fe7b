import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ZERO } from '../market/decimal.ts';
import type { Trade } from '../market/events.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import type { Clock } from '../runtime/clock.ts';
import { Batcher, type OpenedBatch } from './batcher.ts';
import { gapsOfDroppedBatch } from './dropped-batch.ts';

const trade = (id: number): Trade => ({
  kind: 'trade',
  instrument: { id: 0, venue: 'v', symbol: 's' },
  eventTime: eventTime(id),
  receiveTime: receiveTime(id),
  id,
  ref: undefined,
  price: ZERO,
  size: ZERO,
  side: undefined,
  firstId: undefined,
  lastId: undefined,
  late: undefined,
});

/** A clock that a test turns by hand, with one timer. */
const handClock = () => {
  let now = 0;
  let due: { at: number; call: () => void } | undefined;
  const clock: Clock = {
    now: () => now,
    after: (ms, call) => {
      due = { at: now + ms * 1000, call };
      return { cancel: () => (due = undefined) };
    },
    every: () => ({ cancel: () => undefined }),
  };
  const advance = (ms: number): void => {
    now += ms * 1000;
    if (due !== undefined && now >= due.at) {
      const { call } = due;
      due = undefined;
      call();
    }
  };
  return { clock, advance };
};

type Limits = {
  maxRows?: number;
  maxBytes?: number;
  idle?: () => boolean;
  onCut?: (opened: OpenedBatch, batcher: Batcher) => void;
};

const batcherOf = (limits: Limits) => {
  const { clock, advance } = handClock();
  const cuts: OpenedBatch[] = [];
  let bytes = 0;
  const batcher: Batcher = new Batcher({
    maxRows: limits.maxRows ?? 1000,
    maxBytes: limits.maxBytes ?? 1e9,
    flushMs: 50,
    clock,
    idle: limits.idle ?? (() => true),
    onBytes: (added) => (bytes += added),
    cut: (opened) => {
      cuts.push(opened);
      limits.onCut?.(opened, batcher);
    },
  });
  return { batcher, advance, cuts, bytes: () => bytes };
};

const idsOf = (cuts: readonly OpenedBatch[]): unknown[] =>
  cuts.flatMap(({ batch }) => (batch.table === 'trade' ? [...batch.rows].map(({ id }) => id) : []));

describe('the batcher', () => {
  test('conserves: every row is in exactly one batch, in order, within the limits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.boolean()), { maxLength: 200 }),
        (maxRows, pauses) => {
          const { batcher, advance, cuts, bytes } = batcherOf({ maxRows });
          for (const [id, [ms, isOdd]] of pauses.entries()) {
            batcher.trade(isOdd ? { ...trade(id), ref: 'odd' } : trade(id));
            advance(ms);
          }
          batcher.flush();
          expect(idsOf(cuts)).toEqual(pauses.map((_, id) => id));
          for (const { batch } of cuts) expect(batch.rows.length).toBeLessThanOrEqual(maxRows);
          expect(cuts.reduce((sum, { batch }) => sum + batch.bytes, 0)).toBe(bytes());
        },
      ),
    );
  });

  test('cuts a batch of a quiet market at its age', () => {
    const { batcher, advance, cuts } = batcherOf({});
    batcher.trade(trade(1));
    advance(49);
    expect(cuts.length).toBe(0);
    advance(1);
    expect(idsOf(cuts)).toEqual([1]);
  });

  test('lets an aged batch fill while every worker commits, and cuts it when one is idle', () => {
    let idle = false;
    const { batcher, advance, cuts } = batcherOf({ idle: () => idle });
    batcher.trade(trade(1));
    advance(500);
    batcher.trade(trade(2));
    expect(cuts.length).toBe(0);
    idle = true;
    batcher.flushAged();
    expect(idsOf(cuts)).toEqual([1, 2]);
  });

  test('keeps a batch that is not yet of age when a worker becomes idle', () => {
    const { batcher, advance, cuts } = batcherOf({});
    batcher.trade(trade(1));
    advance(10);
    batcher.flushAged();
    expect(cuts.length).toBe(0);
    advance(40);
    expect(idsOf(cuts)).toEqual([1]);
  });
});

describe('memory of batches', () => {
  test('cuts by bytes, sooner where rows take more', () => {
    const { batcher, cuts } = batcherOf({ maxBytes: 1024 });
    for (let id = 0; id < 16; id += 1) batcher.trade(trade(id));
    expect(cuts.map(({ batch }) => batch.rows.length)).toEqual([16]);
    for (let id = 0; id < 16; id += 1) batcher.trade({ ...trade(id), ref: `text ${id}` });
    expect(cuts.map(({ batch }) => batch.rows.length)).toEqual([16, 3, 3, 3, 3, 3]);
  });

  test('uses the memory of a released batch again, and tells what batches take', () => {
    const { batcher, cuts, bytes } = batcherOf({ maxRows: 100 });
    const memoryOf = (opened: OpenedBatch | undefined) =>
      opened?.batch.table === 'trade' ? opened.batch.rows.packed?.memory.bytes.buffer : undefined;
    for (let id = 0; id < 100; id += 1) batcher.trade(trade(id));
    const [first] = cuts;
    const memory = memoryOf(first);
    expect(memory?.byteLength).toBe(6_400);
    expect(first?.batch.bytes).toBe(bytes());
    if (first !== undefined) batcher.release(first.batch);
    batcher.trade(trade(100));
    batcher.flush();
    expect(memoryOf(cuts[1])).toBe(memory);
    expect(cuts[1]?.batch.bytes).toBe(6_400);
    expect(idsOf(cuts.slice(1))).toEqual([100]);
    expect(() => idsOf(cuts)).toThrow('after their release');
  });
});

test('flushes the gaps that its own cuts have made', () => {
  const { batcher, cuts } = batcherOf({
    onCut: ({ batch }, own) => {
      if (batch.table === 'trade') {
        for (const gap of gapsOfDroppedBatch(batch, receiveTime(9))) own.gap(gap);
      }
    },
  });
  batcher.trade(trade(1));
  batcher.flush();
  expect(cuts.map(({ batch }) => batch.table)).toEqual(['trade', 'gap']);
  expect(batcher.open('gap')).toBe(0);
});
