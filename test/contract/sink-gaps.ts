import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { eventTime, receiveTime } from '../../src/market/time.ts';
import { bar, batches, gap, noon, SECOND } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/** How many are missing in each copy of one gap, the first copy's reason, and where the copies are cut into batches. */
const lives = fc.record({
  copies: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 8 }),
  reason: fc.constantFrom('reconnect', 'skipped', 'down'),
  cut: fc.nat({ max: 8 }),
});

/** Gaps are kept with their first reason, get smaller and are filled; and bars know of those that are not. */
export function describeGaps(bench: Bench): void {
  test('commits a gap with every column', async () => {
    const of = bench.fresh();
    const big = 2n ** 53n + 7n;
    await bench.commit(batches.gaps([gap(of, { toId: big, missing: big - 4n })]));
    expect(await bench.read('gaps', of)).toEqual([
      {
        venue: 'binance',
        symbol: of.symbol,
        from_id: '5',
        to_id: '9007199254740999',
        from_ts: '2026-11-23T12:00:10.000000Z',
        to_ts: '2026-11-23T12:00:20.000000Z',
        missing: 9_007_199_254_740_995n,
        reason: 'skipped',
        detected_at: '2026-11-23T12:00:21.000000Z',
        filled_at: null,
      },
    ]);
  });

  test('ends at the fewest missing, filled, with its first reason, in whatever order copies come', async () => {
    await fc.assert(
      fc.asyncProperty(lives, async ({ copies, reason, cut }) => {
        const of = bench.fresh();
        const gaps = copies.map((missing, index) =>
          gap(of, {
            missing,
            reason: index === 0 ? reason : 'dropped',
            filledAt: missing === 0 ? receiveTime(noon + 60 * SECOND) : undefined,
          }),
        );
        for (const part of [gaps.slice(0, cut), gaps.slice(cut), gaps]) {
          await bench.commit(batches.gaps(part));
        }
        const missing = Math.min(...copies);
        const filled = missing === 0 ? '2026-11-23T12:01:00.000000Z' : null;
        const expected = { missing, reason, filled_at: filled };
        expect(await bench.read('gaps', of)).toMatchObject([expected]);
      }),
      { numRuns: 40 },
    );
  });

  test('counts a gap that changes nothing as already there', async () => {
    const of = bench.fresh();
    await bench.commit(batches.gaps([gap(of)]));
    const unchanged = { committed: 0, alreadyThere: 1, dead: [] };
    expect(await bench.commit(batches.gaps([gap(of, { missing: 7 })]))).toEqual(unchanged);
    expect(await bench.commit(batches.gaps([gap(of, { reason: 'down' })]))).toEqual(unchanged);
  });

  test('keeps an unknown number of missing trades unknown', async () => {
    const of = bench.fresh();
    const ofTime = { fromId: 0, toId: 0 };
    await bench.commit(batches.gaps([gap(of, { ...ofTime, missing: undefined })]));
    await bench.commit(batches.gaps([gap(of, { ...ofTime, missing: 0 })]));
    expect(await bench.read('gaps', of)).toMatchObject([{ missing: null, filled_at: null }]);
  });
}

const holes = [
  ['inside it', { from: 10 * SECOND, to: 20 * SECOND }, true],
  ['around it', { from: -SECOND, to: 61 * SECOND }, true],
  ['that ends at its opening', { from: -SECOND, to: 0 }, true],
  ['that ends before its opening', { from: -SECOND, to: -1 }, false],
  ['that begins just before its end', { from: 60 * SECOND - 1, to: 90 * SECOND }, true],
  ['that begins at its end', { from: 60 * SECOND, to: 90 * SECOND }, false],
  ['of unknown size', { from: 0, to: SECOND, missing: undefined }, true],
  ['of quotes only', { from: 0, to: SECOND, missing: 0 }, false],
  ['since filled', { from: 0, to: SECOND, filledAt: receiveTime(noon) }, false],
] as const;

/** Bars are of the minute from noon. */
export function describeHoles(bench: Bench): void {
  test.each(holes)('tells a bar of a hole %s', async (_, { from, to, ...fields }, expected) => {
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

  test('lets a hole vanish from a bar once it is filled, but not one the bar was born with', async () => {
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
