import { expect, test } from 'bun:test';
import { BEHIND, brief, Scenario } from '../../test/operators/scenario.ts';

/** The receive time, in ms, of what happened at `ms` by the venue's clock. */
const heard = (ms: number) => ms + BEHIND;

test('late is more than the allowed lateness behind the watermark, at the edge and beyond', () => {
  const run = new Scenario({ tradeIds: 'none' });
  for (const ms of [10_000, 8_000, 7_999, 20_000, 18_000, 17_999]) run.trade(ms);
  expect(run.trades().map(({ late }) => late ?? 'in time')).toEqual([
    'in time',
    'in time',
    'late',
    'in time',
    'in time',
    'late',
  ]);
});

test('lateness is decided before the trade itself moves the watermark', () => {
  const run = new Scenario({ latenessMs: 0 });
  run.trade(1_000);
  run.trade(50_000);
  expect(run.trades().every(({ late }) => late === undefined)).toBe(true);
});

test('a quiet instrument ages with its connection, a step of 250 ms a tick', () => {
  const run = new Scenario();
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  run.ticks(heard(500), heard(750));
  expect(run.bars()).toEqual([]);
  run.ticks(heard(750), heard(1_000));
  expect(run.bars().map(brief)).toEqual(['1s@0 100 x1 r1']);
});

test('ages as fast as time on a silent connection that is heard once a second', () => {
  const run = new Scenario();
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  for (let second = 0; second < 10; second += 1) {
    const from = heard(500 + second * 1_000);
    run.ticks(from, from + 1_000, from);
  }
  expect(run.bars().map(brief)).toEqual(['1s@0 100 x1 r1']);
  run.trade(10_500, { receivedMs: heard(10_501) });
  run.trade(7_000, { receivedMs: heard(10_502) });
  expect(run.trades().map(({ late }) => late ?? 'in time')).toEqual(['in time', 'in time', 'late']);
});

test('ages only as far as the connection was heard', () => {
  const run = new Scenario();
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  run.ticks(heard(500), heard(60_000), heard(800));
  expect(run.bars()).toEqual([]);
});

test('a stall ages nothing that waits: its trades are in time', () => {
  const run = new Scenario();
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  run.tick(heard(10_600));
  run.trade(600, { receivedMs: heard(10_601) });
  run.trade(1_600, { receivedMs: heard(10_602) });
  run.trade(10_600, { receivedMs: heard(10_603) });
  expect(run.trades().every(({ late }) => late === undefined)).toBe(true);
  expect(run.bars().map(brief)).toEqual(['1s@0 100 x2 r1', '1s@1000 100 x1 r1']);
});

test('stands still while the source is down, and goes on where it was', () => {
  const run = new Scenario();
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  run.ticks(heard(500), heard(750));
  run.state(heard(750), 'lost');
  run.ticks(heard(750), heard(60_000));
  expect(run.bars()).toEqual([]);
  run.connection = 2;
  run.connect(heard(60_000));
  run.ticks(heard(60_000), heard(60_250));
  expect(run.bars()).toHaveLength(1);
});

test('a mute connection ages nothing', () => {
  const run = new Scenario();
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  run.state(heard(600), 'mute');
  run.ticks(heard(600), heard(60_000));
  expect(run.bars()).toEqual([]);
});

test('a trade behind an aged watermark does not turn it back', () => {
  const run = new Scenario({ latenessMs: 1_000 });
  run.open(0);
  run.ticks(0, heard(500));
  run.trade(500);
  run.ticks(heard(500), heard(5_500));
  run.trade(4_600, { receivedMs: heard(5_600) });
  run.trade(4_400, { receivedMs: heard(5_601) });
  expect(run.trades().map(({ late }) => late)).toEqual([undefined, undefined, 'late']);
});

test('a stale trade is stored, moves no watermark and opens no bar', () => {
  const run = new Scenario();
  run.trade(0, { receivedMs: 600_001 });
  run.trade(600_000);
  run.trade(599_000);
  expect(run.trades().map(({ late }) => late)).toEqual(['stale', undefined, undefined]);
  expect(run.bars().map(brief)).toEqual(['1s@599000 100 x1 r1 incomplete']);
});

test('max_age_ms 0 takes trades of any age', () => {
  const run = new Scenario({ maxAgeMs: 0 });
  run.trade(0, { receivedMs: 10 ** 9 });
  expect(run.trades()[0]?.late).toBeUndefined();
});
