import { expect, test } from 'bun:test';
import { decimal, Scenario } from '../../test/operators/scenario.ts';

function reason(feed: (run: Scenario) => void, maxAheadMs = 60_000): string | undefined {
  const run = new Scenario({ maxAheadMs });
  feed(run);
  const [row] = run.rows;
  expect(run.rows).toHaveLength(1);
  return row?.kind === 'rejected' ? row.reason : undefined;
}

test('refuses trades that cannot be, each with its reason', () => {
  expect(reason((run) => run.trade(0, { size: decimal('0') }))).toBe('size_not_positive');
  expect(reason((run) => run.trade(0, { size: decimal('-1') }))).toBe('size_not_positive');
  expect(reason((run) => run.trade(0, { price: decimal('0') }))).toBe('price_not_positive');
  expect(reason((run) => run.trade(0, { price: decimal('-37.63') }))).toBe('price_not_positive');
  expect(reason((run) => run.trade(0, { id: 2n ** 63n }))).toBe('out_of_range');
  expect(reason((run) => run.trade(0, { firstId: 5, lastId: 4 }))).toBe('out_of_range');
  expect(reason((run) => run.trade(0, { firstId: 5 }))).toBe('out_of_range');
  expect(reason((run) => run.trade(0, { id: 2n ** 63n - 1n }))).toBeUndefined();
});

test('refuses what is ahead of our clock by more than the limit; 0 leaves only a day', () => {
  expect(reason((run) => run.trade(60_000, { receivedMs: 0 }))).toBeUndefined();
  expect(reason((run) => run.trade(60_001, { receivedMs: 0 }))).toBe('ahead');
  expect(reason((run) => run.trade(60_001, { receivedMs: 0 }), 0)).toBeUndefined();
  expect(reason((run) => run.trade(86_400_001, { receivedMs: 0 }), 0)).toBe('out_of_range');
});

test('refuses a quote without a side, and takes a crossed one', () => {
  expect(reason((run) => run.quote(0, { bid: undefined, ask: undefined }))).toBe('no_sides');
  expect(reason((run) => run.quote(0, { bid: undefined }))).toBeUndefined();
  expect(reason((run) => run.quote(0, { bid: decimal('102') }))).toBeUndefined();
});

test('a refused trade leaves no trace', () => {
  const run = new Scenario();
  run.trade(0, { id: 1 });
  run.trade(90_000, { id: 2, receivedMs: 10 });
  run.trade(1_000, { id: 2 });
  expect(run.gaps()).toEqual([]);
  expect(run.trades().map(({ late }) => late)).toEqual([undefined, undefined]);
});
