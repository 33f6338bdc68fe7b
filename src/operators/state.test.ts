import { expect, test } from 'bun:test';
import { MdpError } from '../runtime/errors.ts';
import { brief, Scenario } from '../../test/operators/scenario.ts';

/** Trades at 0.5 s steps up to 70 s, under `before`, then under `now`. */
function change(before: readonly number[], now: readonly number[], latenessMs = 2_000): Scenario {
  const run = new Scenario({ timeframes: before, latenessMs });
  run.open(-3_600_000);
  for (let ms = 0; ms < 45_700; ms += 500) run.trade(ms);
  run.rows.length = 0;
  run.restart({ timeframes: now, latenessMs });
  for (let ms = 46_000; ms <= 180_000; ms += 500) run.trade(ms);
  return run;
}

test('a timeframe that stays keeps its open bar, whatever happens to the others', () => {
  for (const now of [[60], [1, 60], [5, 60], [60, 300], [7, 60]]) {
    for (const before of [[60], [1, 60], [15, 60]]) {
      const [minute] = change(before, now).lastBars(60);
      expect([before, now, minute && brief(minute)]).toEqual([before, now, '60s@0 100 x120 r1']);
    }
  }
});

test('a new timeframe begins with a bar that is not whole', () => {
  const run = change([60], [1, 15, 60]);
  expect(run.bars(15).slice(0, 2).map(brief)).toEqual([
    '15s@45000 100 x28 r1 incomplete',
    '15s@60000 100 x30 r1',
  ]);
});

test('a new timeframe takes in what is pending of the shorter one', () => {
  const run = new Scenario({ timeframes: [1] });
  run.open(-60_000);
  run.trade(2_500);
  run.restart({ timeframes: [1, 2] });
  run.trade(10_000);
  expect(run.bars(2).map(brief)).toEqual(['2s@2000 100 x1 r1 incomplete']);
});

test('a timeframe that went is forgotten', () => {
  expect(change([1, 60], [60]).bars(1)).toEqual([]);
});

test('a trade for a bar that was final stays out of it when more lateness is allowed', () => {
  const run = new Scenario({ latenessMs: 0 });
  run.open(-60_000);
  run.trade(0, { id: 1 });
  run.trade(5_000, { id: 3 });
  run.restart({ latenessMs: 10_000 });
  run.trade(500, { id: 2 });
  run.trade(20_000, { id: 4 });
  expect(run.trades().map(({ late }) => late)).toEqual([undefined, undefined, 'late', undefined]);
  expect(run.lastBars(1).map(({ tradeCount }) => tradeCount)).toEqual([1, 1]);
});

test('switching to flat bars fills from there on, not from long ago', () => {
  const run = new Scenario();
  run.open(-60_000);
  run.trade(0);
  run.trade(100_000);
  run.restart({ empty: 'flat' });
  run.trade(103_000);
  expect(run.bars().map(brief)).toEqual([
    '1s@0 100 x1 r1',
    '1s@100000 100 x1 r1',
    '1s@101000 100 x0 r1',
    '1s@102000 100 x0 r1',
  ]);
});

test('refuses state of another version', () => {
  const run = new Scenario();
  const state = { ...run.operators.save(), version: 99 };
  expect(() => run.operators.load(state)).toThrow(MdpError);
});

test('reports how much it holds', () => {
  const run = new Scenario();
  const empty = run.operators.report();
  run.trade(0);
  const one = run.operators.report();
  expect([empty.instruments, empty.openBars, one.instruments, one.openBars]).toEqual([0, 0, 1, 1]);
  expect(one.stateBytes).toBeGreaterThan(empty.stateBytes);
});
