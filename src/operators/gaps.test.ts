import { expect, test } from 'bun:test';
import type { Gap } from '../market/gap.ts';
import { MAX_HOLES } from './gaps.ts';
import { BEHIND, brief, Scenario, START } from '../../test/operators/scenario.ts';

const ms = (micros: number) => (micros - START) / 1_000;
const short = (gap: Gap) => [
  gap.fromId,
  gap.toId,
  ms(gap.fromTime),
  ms(gap.toTime),
  gap.missing,
  gap.reason,
];

function opened(wish: ConstructorParameters<typeof Scenario>[0] = {}): Scenario {
  const run = new Scenario(wish);
  run.open(-120_000);
  return run;
}

function dropAndReconnect(run: Scenario): void {
  run.state(150, 'dropped');
  run.reconnect(200, 300);
}

function restart(run: Scenario): void {
  run.restart();
  run.open(300);
}

test('a jump in contiguous ids is one row, with what surrounds it', () => {
  const run = opened();
  run.trade(100, { id: 1 });
  run.trade(900, { id: 5 });
  expect(run.gaps().map(short)).toEqual([[2, 4, 100, 900, 3, 'skipped']]);
  expect(run.gaps()[0]?.detectedAt).toBe(run.trades()[1]?.receiveTime);
});

test('increasing ids may jump', () => {
  const run = opened({ tradeIds: 'increasing' });
  run.trade(0, { id: 1 });
  run.trade(1, { id: 50 });
  expect(run.gaps()).toEqual([]);
});

test('late arrival fills the hole, and bars that are not final say so', () => {
  const run = opened();
  run.trade(100, { id: 1 });
  run.trade(900, { id: 4 });
  run.trade(1_500, { id: 5 });
  run.trade(200, { id: 2 });
  run.trade(300, { id: 3 });
  expect(run.gaps().map(({ missing, filledAt }) => [missing, filledAt])).toEqual([
    [2, undefined],
    [0, run.trades().at(-1)?.receiveTime],
  ]);
  expect(run.bars().map(brief)).toEqual([
    '1s@0 100 x2 r1 incomplete gap',
    '1s@0 100 x3 r2 incomplete gap',
    '1s@0 100 x4 r3',
  ]);
});

test('a hole filled by a trade that was too late is filled, but its bar stays marked', () => {
  const run = opened({ timeframes: [60] });
  run.trade(100, { id: 1 });
  run.trade(5_000, { id: 3 });
  run.trade(200, { id: 2 });
  run.trade(60_000, { id: 4 });
  expect(run.gaps().map(({ missing }) => missing)).toEqual([1, 0]);
  expect(run.bars().map(brief)).toEqual(['60s@0 100 x2 r1 incomplete gap late 1']);
});

test('a hole behind a reconnect, a drop and a restart has its reason', () => {
  const causes: readonly [Gap['reason'], (run: Scenario) => void][] = [
    ['reconnect', (run) => run.reconnect(200, 300)],
    ['dropped', dropAndReconnect],
    ['down', restart],
  ];
  for (const [reason, cause] of causes) {
    const run = opened();
    run.trade(100, { id: 1 });
    cause(run);
    run.trade(400, { id: 3 });
    run.trade(500, { id: 5 });
    expect(run.gaps().map((gap) => gap.reason)).toEqual([reason, 'skipped']);
  }
});

test('ids that join across a reconnect leave no gap and a complete bar', () => {
  const run = opened();
  run.trade(100, { id: 1 });
  run.reconnect(200, 300);
  run.trade(400, { id: 2 });
  run.trade(1_000, { id: 3 });
  expect(run.gaps()).toEqual([]);
  expect(run.bars().map(brief)).toEqual(['1s@0 100 x2 r1']);
});

test('while nobody knows what a reconnect missed, bars over it are incomplete, then known', () => {
  const afterwards = (id: number) => {
    const run = opened();
    run.ticks(0, BEHIND);
    run.trade(100, { id: 1 });
    run.reconnect(200 + BEHIND, 300 + BEHIND);
    run.ticks(300 + BEHIND, 1_800 + BEHIND);
    run.trade(1_500, { id });
    return run.bars().map(brief);
  };
  expect(afterwards(3)).toEqual(['1s@0 100 x1 r1 incomplete', '1s@0 100 x1 r2 incomplete gap']);
  expect(afterwards(2)).toEqual(['1s@0 100 x1 r1 incomplete', '1s@0 100 x1 r2']);
});

test('where ids cannot tell, a reconnect is a gap of time over the bars around it', () => {
  const run = opened({ tradeIds: 'increasing' });
  run.trade(100);
  run.trade(1_100);
  run.reconnect(1_200 + BEHIND, 1_300 + BEHIND);
  run.trade(3_200);
  run.trade(4_200);
  run.trade(5_200);
  expect(run.gaps().map(short)).toEqual([[0, 0, 1_100, 3_200, undefined, 'reconnect']]);
  expect(run.bars().map(brief)).toEqual([
    '1s@0 100 x1 r1',
    '1s@1000 100 x1 r1 incomplete gap',
    '1s@3000 100 x1 r1 incomplete gap',
    '1s@4000 100 x1 r1',
  ]);
});

test('a connection that goes while its twin brings the same symbol breaks nothing', () => {
  const run = opened({ tradeIds: 'increasing' });
  run.connection = 2;
  run.connect(0);
  run.connection = 1;
  run.trade(100);
  run.state(200, 'lost');
  run.connection = 2;
  run.trade(1_000);
  expect(run.gaps()).toEqual([]);
  expect(run.bars().map(brief)).toEqual(['1s@0 100 x1 r1']);
});

test('where ids cannot tell, a drop is a gap of time at the next trade', () => {
  const run = opened({ tradeIds: 'none' });
  run.trade(100);
  run.state(200, 'dropped');
  run.trade(300);
  run.trade(400);
  expect(run.gaps().map(short)).toEqual([[0, 0, 100, 300, undefined, 'dropped']]);
});

test('remembers a bounded number of gaps of time', () => {
  const run = opened({ tradeIds: 'increasing', timeframes: [86_400] });
  for (let at = 0; at < 500; at++) {
    run.trade(at * 1_000);
    run.reconnect(at * 1_000, at * 1_000 + 1);
  }
  expect(run.gaps()).toHaveLength(499);
  expect(run.operators.save().instruments[0]?.gaps.ranges.length).toBeLessThanOrEqual(64);
});

test('a drop that no trade follows has its row at the end', () => {
  const run = opened();
  run.trade(100);
  run.state(200, 'dropped');
  run.drain(300);
  expect(run.gaps().map(short)).toEqual([[0, 0, 100, 100, undefined, 'dropped']]);
});

test('a hole half filled is told at the end', () => {
  const run = opened();
  run.trade(100, { id: 1 });
  run.trade(900, { id: 4 });
  run.trade(200, { id: 2 });
  run.drain(1_000);
  expect(run.gaps().map(({ missing }) => missing)).toEqual([2, 1]);
});

test('a stale trade opens no hole and does not begin the series', () => {
  const run = opened();
  run.trade(0, { id: 3, receivedMs: 700_000 });
  run.trade(700_000, { id: 9, receivedMs: 700_001 });
  run.trade(50, { id: 20, receivedMs: 700_002 });
  run.trade(700_001, { id: 22, receivedMs: 700_003 });
  expect(run.gaps().map((gap) => [gap.fromId, gap.toId, gap.missing])).toEqual([[10, 21, 11]]);
});

test('waits for a bounded number of holes, and the oldest stays as it is', () => {
  const run = opened();
  for (let at = 0; at <= MAX_HOLES + 1; at++) run.trade(at, { id: at * 3 });
  run.trade(MAX_HOLES, { id: 1 });
  run.trade(MAX_HOLES, { id: 2 });
  expect(run.gaps()).toHaveLength(MAX_HOLES + 1);
  run.trade(MAX_HOLES, { id: 4 });
  run.trade(MAX_HOLES, { id: 5 });
  expect(run.gaps().at(-1)).toMatchObject({ fromId: 4, missing: 0 });
});

test('the first bar is whole only when we had listened since before it opened', () => {
  const listened = (sinceMs: number, stalled = false) => {
    const run = new Scenario({ timeframes: [1, 60] });
    run.open(sinceMs + BEHIND);
    if (!stalled) run.ticks(sinceMs + BEHIND, 5_500 + BEHIND);
    run.trade(5_500);
    run.trade(6_500);
    run.trade(60_000);
    return run.bars().map((bar) => `${bar.timeframe}@${ms(bar.openTime)} ${bar.complete}`);
  };
  expect(listened(5_400)).toEqual(['1@5000 false', '1@6000 true', '60@0 false']);
  expect(listened(2_999)).toEqual(['1@5000 true', '1@6000 true', '60@0 false']);
  expect(listened(-2_000)).toEqual(['1@5000 true', '1@6000 true', '60@0 false']);
  expect(listened(-2_001)).toEqual(['1@5000 true', '1@6000 true', '60@0 true']);
  expect(listened(2_999, true)).toEqual(['1@5000 false', '1@6000 true', '60@0 false']);
});

test('a connection that was replaced before the first trade does not count as listening', () => {
  const run = new Scenario();
  run.open(-60_000 + BEHIND);
  run.reconnect(BEHIND, 1_200 + BEHIND);
  run.trade(1_500);
  run.trade(2_500);
  expect(run.bars().map(brief)).toEqual(['1s@1000 100 x1 r1 incomplete']);
});
