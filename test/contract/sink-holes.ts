import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Bar } from '../../src/market/bar.ts';
import type { Gap } from '../../src/market/gap.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { eventTime, formatTime, receiveTime } from '../../src/market/time.ts';
import { timeframeName } from '../../src/market/timeframes.ts';
import { bar, batches, gap, noon, SECOND } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/** Bars know of the holes in them that are not filled, whichever was written first. */
const DAY = 86_400;

const edges = [
  ['inside it', { from: 10 * SECOND, to: 20 * SECOND }, true],
  ['around it', { from: -SECOND, to: 61 * SECOND }, true],
  ['that ends at its opening', { from: -SECOND, to: 0 }, true],
  ['that ends before its opening', { from: -SECOND, to: -1 }, false],
  ['that begins just before its end', { from: 60 * SECOND - 1, to: 90 * SECOND }, true],
  ['that begins at its end', { from: 60 * SECOND, to: 90 * SECOND }, false],
  ['of a minute that ends in it', { from: -58 * SECOND, to: SECOND }, true],
  ['of an hour that ends in it', { from: -3_598 * SECOND, to: SECOND }, true],
  ['of a day that ends in it', { from: -86_398 * SECOND, to: SECOND }, true],
  ['of a month that ends in it', { from: -30 * DAY * SECOND, to: SECOND }, true],
  ['of unknown size', { from: 0, to: SECOND, missing: undefined }, true],
  ['of quotes only', { from: 0, to: SECOND, missing: 0 }, false],
  ['since filled', { from: 0, to: SECOND, filledAt: receiveTime(noon) }, false],
] as const;

/** Of the bar of the minute from noon. */
export function describeHoles(bench: Bench): void {
  test.each(edges)('tells a bar of a hole %s', async (_, { from, to, ...fields }, expected) => {
    const of = bench.fresh();
    const other = bench.fresh();
    const hole = { fromTime: eventTime(noon + from), toTime: eventTime(noon + to), ...fields };
    await bench.commit(batches.bars([bar(of), bar(other)]));
    await bench.commit(batches.gaps([gap(of, hole)]));
    const known = { complete: !expected, gap: expected };
    expect(await bench.read('bars', of)).toMatchObject([known]);
    expect(await bench.read('bars', other)).toMatchObject([{ complete: true, gap: false }]);
    expect(await viewOfBar(bench, of.symbol)).toEqual(known);
  });

  test('lets a filled hole vanish from a bar, but not one the bar was born with', async () => {
    const of = bench.fresh();
    const later = eventTime(noon + 60 * SECOND);
    const born = bar(of, { openTime: later, gap: true, complete: false });
    await bench.commit(batches.bars([bar(of), born]));
    const hole = { fromTime: eventTime(noon), toTime: eventTime(noon + 90 * SECOND) };
    await bench.commit(batches.gaps([gap(of, hole)]));
    const holed = { complete: false, gap: true };
    expect(await bench.read('bars', of)).toMatchObject([holed, holed]);
    const filledAt = receiveTime(noon + 99 * SECOND);
    await bench.commit(batches.gaps([gap(of, { ...hole, missing: 0, filledAt })]));
    expect(await bench.read('bars', of)).toMatchObject([{ complete: true, gap: false }, holed]);
  });
}

/** A hole's beginning and length, and a bar's opening and timeframe, in seconds from noon. */
const hole = fc.record({
  from: fc.integer({ min: -3 * DAY, max: 0 }),
  length: fc.oneof(...[1, 60, 3_600, DAY, 3 * DAY].map((max) => fc.nat({ max }))),
});
const interval = fc.record({
  opening: fc.integer({ min: -DAY, max: 0 }),
  timeframe: fc.constantFrom(1, 60, 3_600, 86_400),
});
type Hole = { readonly from: number; readonly length: number };
type Interval = { readonly opening: number; readonly timeframe: number };

/** Holes of every length, beside and inside each other. */
export function describeOverlaps(bench: Bench): void {
  test('tells bars of just those holes that overlap them', async () => {
    const many = { minLength: 1, maxLength: 10 };
    const intervals = fc.uniqueArray(interval, { ...many, selector: (one) => JSON.stringify(one) });
    await fc.assert(
      fc.asyncProperty(fc.array(hole, many), intervals, async (holes, bars) => {
        const of = bench.fresh();
        await bench.commit(batches.gaps(holes.map((one, index) => gapOf(of, one, index))));
        await bench.commit(batches.bars(bars.map((one) => barOf(of, one))));
        const expected = bars.map(({ opening, timeframe }) => ({
          ts: formatTime(noon + opening * SECOND),
          timeframe: timeframeName(timeframe),
          gap: holes.some(
            ({ from, length }) => from < opening + timeframe && from + length >= opening,
          ),
        }));
        const read = await bench.read('bars', of);
        const told = read.map(({ ts, timeframe, gap: holed }) => ({ ts, timeframe, gap: holed }));
        expect(told.toSorted(byText)).toEqual(expected.toSorted(byText));
      }),
      { numRuns: 30 },
    );
  });
}

function gapOf(of: Instrument, { from, length }: Hole, index: number): Gap {
  const fromTime = eventTime(noon + from * SECOND);
  return gap(of, { fromId: index, fromTime, toTime: eventTime(fromTime + length * SECOND) });
}

function barOf(of: Instrument, { opening, timeframe }: Interval): Bar {
  return bar(of, { timeframe, openTime: eventTime(noon + opening * SECOND) });
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** What users see, which is not the reader's way. */
async function viewOfBar(
  bench: Bench,
  symbol: string,
): Promise<{ readonly complete: boolean; readonly gap: boolean }> {
  const [[complete, holed] = []] = await bench.opened().texts(
    `select case when complete then 'yes' else 'no' end, case when gap then 'yes' else 'no' end
      from bars where symbol = '${symbol}'`,
  );
  return { complete: complete === 'yes', gap: holed === 'yes' };
}
