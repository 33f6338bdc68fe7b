import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { eventTime, formatTime, receiveTime } from '../../src/market/time.ts';
import { batches, gap, noon, SECOND } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/**
 * How many are missing in each copy of one gap, the first copy's reason, and where the copies are
 * cut into batches.
 */
const lives = fc.record({
  copies: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 8 }),
  reason: fc.constantFrom('reconnect', 'skipped', 'down'),
  cut: fc.nat({ max: 8 }),
});

/** One hole by where it ends, each time it was found, and whether it was filled then. */
const finds = fc.record({
  finds: fc.uniqueArray(
    fc.record({ toId: fc.integer({ min: 6, max: 9 }), isFilled: fc.boolean() }),
    { minLength: 1, maxLength: 4, selector: ({ toId }) => toId },
  ),
  cut: fc.nat({ max: 8 }),
});

type Finds = typeof finds extends fc.Arbitrary<infer Life> ? Life : never;

const MINUTE = 60 * SECOND;

const endOf = (toId: number) => eventTime(noon + 20 * SECOND + toId);

/** Whatever the order of the copies, the hole is as it was found last. */
const expectLastFound = async (
  bench: Bench,
  life: Finds,
  order: (toId: number, missing: number) => number,
): Promise<void> => {
  const of = bench.fresh();
  const copies = life.finds.flatMap(({ toId, isFilled }, index) => {
    const detectedAt = receiveTime(noon + (index + 1) * MINUTE);
    const hole = gap(of, { toId, toTime: endOf(toId), detectedAt, missing: toId - 4 });
    const filled = { ...hole, missing: 0, filledAt: receiveTime(detectedAt + SECOND) };
    return isFilled ? [hole, filled] : [hole];
  });
  const mixed = copies.toSorted(
    (a, b) => order(Number(a.toId), Number(a.missing)) - order(Number(b.toId), Number(b.missing)),
  );
  const cut = life.cut % (mixed.length + 1);
  for (const part of [mixed.slice(0, cut), mixed.slice(cut), mixed]) {
    await bench.commit(batches.gaps(part));
  }
  const { toId = 0, isFilled = false } = life.finds.at(-1) ?? {};
  const detectedAt = noon + life.finds.length * MINUTE;
  const [row] = await bench.read('gaps', of);
  expect(row).toMatchObject({
    to_id: String(toId),
    to_ts: formatTime(endOf(toId)),
    missing: isFilled ? 0 : toId - 4,
    detected_at: formatTime(receiveTime(detectedAt)),
    filled_at: isFilled ? formatTime(receiveTime(detectedAt + SECOND)) : null,
  });
};

/** Gaps are kept with their first reason, get smaller and are filled. */
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

  test('ends at the fewest missing, filled, with its first reason, in any order', async () => {
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

  test('a hole found anew that ends elsewhere stands in place of the one before it', () =>
    fc.assert(
      fc.asyncProperty(finds, fc.func(fc.integer()), (life, order) =>
        expectLastFound(bench, life, order),
      ),
      { numRuns: 30 },
    ));

  test('keeps an unknown number of missing trades unknown', async () => {
    const of = bench.fresh();
    const ofTime = { fromId: 0, toId: 0 };
    await bench.commit(batches.gaps([gap(of, { ...ofTime, missing: undefined })]));
    await bench.commit(batches.gaps([gap(of, { ...ofTime, missing: 0 })]));
    expect(await bench.read('gaps', of)).toMatchObject([{ missing: null, filled_at: null }]);
  });
}
