import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { eventTime } from '../market/time.ts';
import { brief, Scenario, START } from '../../test/operators/scenario.ts';
import { IntervalSet, MAX_INTERVALS } from './interval-set.ts';
import { MAX_RECENT_IDS, RecentIds } from './recent-ids.ts';
import { RESET_AFTER_MS } from './quotes.ts';

const lates = (run: Scenario) => run.trades().map(({ id, late }) => [id, late]);

test('lets each id through once, on whichever connection it comes again', () => {
  const run = new Scenario();
  for (const id of [1, 2, 3]) run.trade(id * 100, { id });
  run.connection = 2;
  for (const id of [2, 3, 4]) run.trade(id * 100, { id });
  expect(run.trades().map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  expect(run.count('duplicate')).toBe(2);
});

test('never takes two trades for one because they are alike', () => {
  const run = new Scenario();
  run.trade(0, { id: 1 });
  run.trade(0, { id: 2 });
  run.trade(1_000, { id: 3 });
  expect(run.bars()[0]?.tradeCount).toBe(2);
});

test('takes snapshots newest first, and overlapping after a reconnect', () => {
  const run = new Scenario({ latenessMs: 60_000 });
  for (const id of [9, 8, 7, 6]) run.trade(id * 1_000, { id });
  run.reconnect(20_000, 21_000);
  for (const id of [11, 10, 9, 8]) run.trade(id * 1_000, { id });
  expect(run.trades().map(({ id }) => id)).toEqual([9, 8, 7, 6, 11, 10]);
  expect(run.gaps().map(({ missing }) => missing)).toEqual([1, 0]);
});

test('keeps every digit of ids beyond 2^53', () => {
  const run = new Scenario();
  const big = 2n ** 60n;
  for (const after of [0n, 1n, 1n, 3n]) run.trade(Number(after), { id: big + after });
  run.restart();
  run.trade(2, { id: big + 2n });
  expect(run.trades().map(({ id }) => id)).toEqual([big, big + 1n, big + 3n, big + 2n]);
  expect(run.gaps().map(({ fromId, missing }) => [fromId, missing])).toEqual([
    [big + 2n, 1],
    [big + 2n, 0],
  ]);
});

test('sees that the venue numbers anew, and that copies of the old series are still copies', () => {
  const run = new Scenario({ latenessMs: 5_000 });
  for (const id of [500, 501, 502]) run.trade(id - 500, { id });
  run.trade(1_000, { id: 1 });
  run.trade(1, { id: 501 });
  run.trade(1_001, { id: 2 });
  run.trade(1_000, { id: 1 });
  run.trade(1_500, { id: 4 });
  run.trade(3_000, { id: 5 });
  expect(run.trades().map(({ id }) => id)).toEqual([500, 501, 502, 1, 2, 4, 5]);
  expect(
    run.gaps().map(({ fromId, toId, missing, reason }) => [fromId, toId, missing, reason]),
  ).toEqual([
    [0, 0, undefined, 'skipped'],
    [3, 3, 1, 'skipped'],
  ]);
});

test('an old trade sent again while the market is quiet is a copy, no new numbering', () => {
  const run = new Scenario();
  run.trade(0, { id: 1 });
  for (const receivedMs of [1_000_000, 2_000_000]) run.trade(5_000, { id: 5, receivedMs });
  expect(lates(run)).toEqual([
    [1, undefined],
    [5, 'stale'],
  ]);
  expect(run.count('duplicate')).toBe(1);
});

test('passes on ids lower than it remembers as unplaced: in the table, in no bar', () => {
  const run = new Scenario({ tradeIds: 'increasing', latenessMs: 3_600_000 });
  for (let at = 0; at < MAX_INTERVALS * 1.5; at++) run.trade(at, { id: at * 2 + 10 });
  run.trade(0, { id: 5 });
  run.trade(0, { id: 11 });
  expect(lates(run).slice(-2)).toEqual([
    [5, 'unplaced'],
    [11, 'unplaced'],
  ]);
  run.trade(10_000, { id: 100_000 });
  expect(run.bars()[0]?.tradeCount).toBe(1_000);
});

test('ids without an order are remembered up to a limit', () => {
  const recent = new RecentIds();
  for (let id = 0; id <= MAX_RECENT_IDS; id++) expect(recent.add(id)).toBe(true);
  expect([recent.size, recent.add(MAX_RECENT_IDS), recent.add(0)]).toEqual([
    MAX_RECENT_IDS,
    false,
    true,
  ]);
});

test('refuses the other series of ids of an instrument', () => {
  const run = new Scenario();
  run.trade(0, { firstId: 1, lastId: 1 });
  run.trade(1);
  expect(run.rows.at(-1)).toMatchObject({ kind: 'rejected', reason: 'mixed_series' });
});

test('an interval set holds what a set holds, in any order, over saving', () => {
  const ids = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 60 }), fc.bigInt(2n ** 53n - 3n, 2n ** 53n + 9n)),
  );
  fc.assert(
    fc.property(ids, fc.nat(60), fc.nat(60), (list, a, b) => {
      const plain = new Set<bigint>();
      let set = new IntervalSet();
      for (const id of list) {
        const value = BigInt(id);
        const canonical = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
        expect(set.add(canonical)).toBe(plain.has(value) ? 'seen' : 'new');
        plain.add(value);
        set = IntervalSet.fromJson(set.toJson());
      }
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      expect(Number(set.count(from, to))).toBe(
        [...plain].filter((id) => id >= from && id <= to).length,
      );
      const runs = [...plain].filter((id) => !plain.has(id - 1n)).length;
      expect(set.intervals).toBe(runs);
    }),
  );
});

test('an interval set forgets the lowest at its limit and says so', () => {
  const set = new IntervalSet();
  for (let at = 0; at <= MAX_INTERVALS * 1.25; at++) set.add(at * 2);
  expect(set.intervals).toBe(MAX_INTERVALS);
  expect([set.add(0), set.add(1), set.add(MAX_INTERVALS * 2)]).toEqual([
    'forgotten',
    'forgotten',
    'seen',
  ]);
});

test('quotes of twin connections come through once, those of one without an id always', () => {
  const run = new Scenario();
  for (const id of [10, 11]) {
    for (const connection of [1, 2]) {
      run.connection = connection;
      run.quote(id, { id });
    }
  }
  run.restart();
  run.quote(12, { id: 9 });
  run.connection = 1;
  for (const id of [1, 1]) run.quote(13, { id, venueId: false });
  expect(run.quotes().map(({ id }) => id)).toEqual([10, 11, 1, 1]);
  expect(run.count('duplicate')).toBe(3);
});

test('quotes without an id come from one of twin connections until it is gone or silent', () => {
  const run = new Scenario();
  const heard: number[] = [];
  const quote = (at: number, connection: number): void => {
    run.connection = connection;
    run.quote(at, { id: at, venueId: false });
    heard.push(at);
  };
  for (const at of [10, 20]) for (const connection of [1, 2]) quote(at + connection, connection);
  run.connection = 1;
  run.state(30, 'lost');
  for (const at of [40, 50]) for (const connection of [2, 3]) quote(at + connection, connection);
  quote(60 + RESET_AFTER_MS, 3);
  quote(70 + RESET_AFTER_MS, 2);
  quote(80 + RESET_AFTER_MS, 3);
  const kept = [11, 21, 42, 52, 60 + RESET_AFTER_MS, 80 + RESET_AFTER_MS];
  expect(run.quotes().map(({ id }) => id)).toEqual(kept);
  expect(run.count('duplicate')).toBe(heard.length - kept.length);
});

test('quotes are numbered anew: later by the venue, after a reconnect, or for long enough', () => {
  const later = new Scenario();
  const [time, next] = [eventTime(START), eventTime(START + 1)];
  later.quote(0, { id: 100, eventTime: time });
  later.quote(1, { id: 99, eventTime: time });
  later.quote(2, { id: 1, eventTime: next });
  expect(later.quotes().map(({ id }) => id)).toEqual([100, 1]);

  const reconnected = new Scenario();
  reconnected.open(0);
  reconnected.quote(1, { id: 100 });
  reconnected.reconnect(2, 3);
  reconnected.quote(4, { id: 99 });
  reconnected.quote(5, { id: 3 });
  expect(reconnected.quotes().map(({ id }) => id)).toEqual([100, 3]);

  const patient = new Scenario();
  for (const [at, id] of [100, 1, 2, 3].entries()) patient.quote(at, { id });
  patient.quote(1 + RESET_AFTER_MS, { id: 4 });
  patient.quote(2 + RESET_AFTER_MS, { id: 5 });
  expect(patient.quotes().map(({ id }) => id)).toEqual([100, 4, 5]);
});

test('bars across a new numbering keep all trades of both series', () => {
  const run = new Scenario();
  run.open(-60_000);
  run.trade(0, { id: 50 });
  run.trade(500, { id: 1 });
  run.trade(1_000, { id: 2 });
  expect(run.bars().map(brief)).toEqual(['1s@0 100 x2 r1 incomplete gap']);
});

test('a twin that catches up has not begun to number anew', () => {
  const run = new Scenario();
  for (const [at, id] of [100, 99, 100].entries()) run.quote(at, { id });
  run.quote(RESET_AFTER_MS + 5, { id: 99 });
  expect(run.quotes().map(({ id }) => id)).toEqual([100]);
});

test('an awaited id fills its hole even if the venue dates it later than its successor', () => {
  const run = new Scenario();
  run.trade(0, { id: 1 });
  run.trade(100, { id: 3 });
  run.trade(150, { id: 2 });
  expect(run.gaps().map(({ fromId, missing }) => [fromId, missing])).toEqual([
    [2, 1],
    [2, 0],
  ]);
});
