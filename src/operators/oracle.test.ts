import { expect, test } from 'bun:test';
import { captureLines, describeWithCaptures } from '../../test/captures.ts';
import { formatDecimal } from '../market/decimal.ts';
import { parseInteger } from '../market/integer.ts';
import { must } from './json.ts';
import { decimal, Scenario, START } from '../../test/operators/scenario.ts';

const day = 'binance_spot/oracle-xrpeth-2019-10-11_12';
const row =
  /^\{"a":(\d+),"p":"([0-9.]+)","q":"([0-9.]+)","f":(\d+),"l":(\d+),"T":(\d+),"m":(true|false)/;

function feed(run: Scenario, line: string): number {
  const [, id, price, size, first, last, time, buyerMakes] = must(row.exec(line) ?? undefined);
  const integer = (text: string | undefined) => must(parseInteger(text ?? ''));
  const ms = Number(time) - START / 1_000;
  run.trade(ms, {
    id: integer(id),
    price: decimal(price ?? ''),
    size: decimal(size ?? ''),
    firstId: integer(first),
    lastId: integer(last),
    side: buyerMakes === 'true' ? 'sell' : 'buy',
  });
  return ms;
}

/**
 * Open time in ms, open, high, low, close and volume, as the venue's file and our bars write them.
 */
function klines(timeframe: string): string[] {
  const [, ...lines] = captureLines(`${day}-klines-${timeframe}.csv.gz`);
  return lines.map((line) => {
    const [time, ...columns] = line.split(',');
    return [time, ...columns.map((text) => formatDecimal(decimal(text)))].join(',');
  });
}

function ours(run: Scenario, seconds: number): string[] {
  return run.lastBars(seconds).map(({ openTime, open, high, low, close, volume }) => {
    const columns = [open, high, low, close, volume].map(formatDecimal);
    return [openTime / 1_000, ...columns].join(',');
  });
}

describeWithCaptures('XRPETH of 2019-10-11 and -12', () => {
  test("aggregate trades give Binance's own 1m and 5m bars, 3,456 of 3,456", () => {
    const run = new Scenario({ timeframes: [60, 300], empty: 'flat', maxAgeMs: 0 });
    let last = 0;
    for (const line of captureLines(`${day}-aggtrades.raw.ndjson.gz`)) last = feed(run, line);
    for (let ms = last; ms < last + 10_000; ms += 250) run.tick(ms + 7_000);
    expect(ours(run, 60)).toEqual(klines('1m'));
    expect(ours(run, 300)).toEqual(klines('5m'));
    expect(run.bars(60).length + run.bars(300).length).toBe(3_456);
    expect([run.gaps().length, run.count('duplicate'), run.count('rejected')]).toEqual([0, 0, 0]);
  });
});
