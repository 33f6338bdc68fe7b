import { expect, test } from 'bun:test';
import { formatDecimal } from '../market/decimal.ts';
import { eventTime } from '../market/time.ts';
import { brief, decimal, Scenario, START } from '../../test/operators/scenario.ts';
import { MAX_FLATS } from './bars.ts';

test('publishes a bar when the watermark reaches its end, with every column', () => {
  const run = new Scenario();
  run.open(-60_000);
  run.trade(1_000, { at: '10.5', size: decimal('2'), id: 1 });
  run.trade(1_500, { at: '11', size: decimal('0.5'), side: 'sell', id: 2 });
  run.trade(1_999, { at: '9.25', size: decimal('1'), side: undefined, id: 3 });
  expect(run.bars()).toEqual([]);
  run.trade(2_000, { id: 4 });
  expect(run.bars()).toEqual([
    {
      kind: 'bar',
      instrument: run.instrument(),
      timeframe: 1,
      openTime: eventTime(START + 1_000_000),
      open: decimal('10.5'),
      high: decimal('11'),
      low: decimal('9.25'),
      close: decimal('9.25'),
      volume: decimal('3.5'),
      quoteVolume: decimal('35.75'),
      buyVolume: decimal('2'),
      vwap: decimal('10.2142857143'),
      tradeCount: 3,
      firstTradeId: 1,
      lastTradeId: 3,
      lateCount: 0,
      complete: true,
      gap: false,
      revision: 1,
      epoch: 0,
    },
  ]);
});

test('an aggregate counts its trades and lends the bar their ids', () => {
  const run = new Scenario();
  run.trade(1_000, { id: 7, firstId: 100, lastId: 104 });
  run.trade(1_000, { id: 8, firstId: 105, lastId: 105 });
  run.trade(2_000, { id: 9, firstId: 106, lastId: 107 });
  const [bar] = run.bars();
  expect([bar?.tradeCount, bar?.firstTradeId, bar?.lastTradeId]).toEqual([6, 100, 105]);
});

test('trades of one time stand in the order of increasing ids, else of arrival', () => {
  const opensAndCloses = (['contiguous', 'none'] as const).map((tradeIds) => {
    const run = new Scenario({ tradeIds });
    for (const id of [5, 4, 6, 3]) run.trade(1_000, { id, at: String(id) });
    run.trade(2_000, { id: 7 });
    return run.bars().map(({ open, close }) => [open.units, close.units]);
  });
  expect(opensAndCloses).toEqual([[[3, 6]], [[5, 3]]]);
});

test('a trade behind the watermark revises its bars until their end + lateness', () => {
  const run = new Scenario({ timeframes: [1, 2] });
  run.open(-60_000);
  for (const [ms, id] of [
    [1_000, 1],
    [4_000, 5],
  ] as const)
    run.trade(ms, { id });
  run.trade(2_000, { id: 2, at: '90' });
  run.trade(1_999, { id: 3, at: '80' });
  expect(run.trades().map(({ late }) => late)).toEqual([undefined, undefined, undefined, 'late']);
  expect(run.bars().map(brief)).toEqual([
    '1s@1000 100 x1 r1 incomplete gap',
    '2s@0 100 x1 r1 incomplete gap',
    '1s@2000 90 x1 r1 incomplete gap',
    '2s@2000 90 x1 r1 incomplete gap',
  ]);
});

test('counts a late trade in the bars still held and leaves their prices unchanged', () => {
  const run = new Scenario({ timeframes: [1, 60] });
  run.open(-120_000);
  run.trade(1_000);
  run.trade(59_000);
  run.trade(2_000, { id: 3, at: '1' });
  run.trade(60_000);
  expect(run.bars(60).map(brief)).toEqual(['60s@0 100 x2 r1 late 1']);
  expect(run.bars(1).map(({ lateCount }) => lateCount)).toEqual([0, 0]);
  expect(run.trades()[2]?.late).toBe('late');
});

test('a late trade for a bar that is closed and not final publishes it again at once', () => {
  const run = new Scenario({ timeframes: [1, 5], latenessMs: 1_000 });
  run.open(-60_000);
  run.trade(0);
  run.trade(5_500);
  run.trade(4_000, { id: 3 });
  expect(run.bars(5).map(brief)).toEqual(['5s@0 100 x1 r1', '5s@0 100 x1 r2 late 1']);
});

test('emits by end of bar, then by length', () => {
  const run = new Scenario({ timeframes: [1, 2, 4], tradeIds: 'increasing' });
  run.open(-60_000);
  for (const ms of [0, 1_000, 2_000, 3_000]) run.trade(ms);
  run.trade(9_000);
  expect(run.bars().map((bar) => brief(bar).split(' ')[0])).toEqual([
    '1s@0',
    '1s@1000',
    '2s@0',
    '1s@2000',
    '1s@3000',
    '2s@2000',
    '4s@0',
  ]);
});

test('a quiet market closes its bars, and is filled with flat ones', () => {
  const run = new Scenario({ timeframes: [1, 2], empty: 'flat' });
  run.open(0);
  run.ticks(0, 19_750);
  run.trade(2_500, { at: '7', receivedMs: 20_000 });
  run.ticks(19_750, 21_500);
  expect(run.bars().map(brief)).toEqual(['1s@2000 7 x1 r1', '1s@3000 7 x0 r1', '2s@2000 7 x1 r1']);
  expect(run.bars()[1]).toMatchObject({ vwap: undefined, firstTradeId: undefined });
  expect(run.bars().map(({ volume }) => formatDecimal(volume))).toEqual(['1', '0', '1']);
});

test('a trade within lateness makes a flat bar real and revises the flat bars behind it', () => {
  const run = new Scenario({ empty: 'flat', latenessMs: 4_000 });
  run.open(-60_000);
  run.trade(500, { id: 1, at: '5' });
  run.trade(4_100, { id: 2, at: '6' });
  run.rows.length = 0;
  run.trade(1_200, { id: 3, at: '8' });
  expect(run.bars().map(brief)).toEqual(['1s@1000 8 x1 r2', '1s@2000 8 x0 r2', '1s@3000 8 x0 r2']);
  run.rows.length = 0;
  run.trade(900, { id: 4, at: '9' });
  expect(run.bars().map(brief)).toEqual(['1s@0 9 x2 r2']);
});

test('stops after 1,440 flat bars in a row, until the next trade', () => {
  const run = new Scenario({ empty: 'flat' });
  run.open(-60_000);
  run.trade(0, { at: '1' });
  run.trade(3_600_000, { at: '2' });
  run.trade(3_602_000, { at: '3' });
  const flats = run.bars().filter(({ tradeCount }) => tradeCount === 0);
  expect(flats.map(({ openTime }) => (openTime - START) / 1e6)).toEqual([
    ...Array.from({ length: MAX_FLATS }, (_, at) => at + 1),
    3_601,
  ]);
  expect(run.operators.report().openBars).toBeLessThan(5);
});

test('a trade among the last flat bars lets them go on', () => {
  const run = new Scenario({ empty: 'flat' });
  run.open(7_000);
  run.trade(0, { receivedMs: 7_000 });
  const quiet = 7_000 + (MAX_FLATS + 10) * 1_000;
  run.ticks(7_000, quiet);
  const before = run.bars().length;
  run.ticks(quiet, quiet + 5_000);
  expect([before, run.bars().length]).toEqual([MAX_FLATS + 1, MAX_FLATS + 1]);
  run.trade((MAX_FLATS + 14) * 1_000 + 500, { receivedMs: quiet + 5_000 });
  run.ticks(quiet + 5_000, quiet + 8_000);
  expect(
    run
      .bars()
      .slice(before)
      .map(({ tradeCount }) => tradeCount),
  ).toEqual([1, 0, 0]);
});

test('never fills a time when the source was down, mute or dropping', () => {
  const shut: Record<string, (run: Scenario) => void> = {
    lost: (run) => run.reconnect(8_000, 9_000),
    mute: (run) => {
      run.state(8_000, 'mute');
      run.reconnect(8_500, 9_000);
    },
    started: (run) => {
      run.connection = 2;
      run.open(9_000);
    },
    dropped: (run) => run.state(8_000, 'dropped'),
  };
  for (const [name, shutDown] of Object.entries(shut)) {
    const run = new Scenario({ empty: 'flat' });
    run.open(-60_000);
    run.trade(500);
    shutDown(run);
    run.trade(10_100);
    run.trade(12_000);
    const opens = run.bars().map(({ openTime }) => (openTime - START) / 1_000);
    expect([name, ...opens]).toEqual([name, 0, 10_000, 11_000]);
  }
});

test('with empty none an interval without trades gives no bar', () => {
  const run = new Scenario();
  run.trade(0);
  run.trade(10_000);
  expect(run.bars()).toHaveLength(1);
});

test('drain publishes open bars with revision 0, and the next run revises them', () => {
  const run = new Scenario({ timeframes: [1, 60] });
  run.open(-120_000);
  run.trade(0);
  run.trade(1_500);
  run.drain(10_000);
  run.restart();
  run.trade(60_000);
  expect(run.bars().map(brief)).toEqual([
    '1s@0 100 x1 r1',
    '1s@1000 100 x1 r0 incomplete',
    '60s@0 100 x2 r0 incomplete',
    '1s@1000 100 x1 r1',
    '60s@0 100 x2 r1',
  ]);
});

test('holds a bounded number of bars however long it runs', () => {
  const run = new Scenario({ timeframes: [1, 60], empty: 'flat', tradeIds: 'increasing' });
  for (let at = 0; at < 20_000; at++) run.trade(at * 700);
  expect(run.operators.report().openBars).toBeLessThanOrEqual(6);
});
