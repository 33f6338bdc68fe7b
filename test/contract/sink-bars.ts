import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Bar } from '../../src/market/bar.ts';
import { bar, batches, decimal } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/** What decides between two copies of a bar, most weighty first. */
type Rank = Pick<Bar, 'epoch' | 'tradeCount' | 'complete' | 'revision'>;

const ranks: fc.Arbitrary<Rank> = fc.record({
  epoch: fc.integer({ min: 0, max: 2 }),
  tradeCount: fc.integer({ min: 0, max: 3 }),
  complete: fc.boolean(),
  revision: fc.integer({ min: 0, max: 3 }),
});

/** Numbers that compare as the ranks do. */
function weight({ epoch, tradeCount, complete, revision }: Rank): number {
  return epoch * 1_000 + tradeCount * 100 + (complete ? 10 : 0) + revision;
}

export function describeBars(bench: Bench): void {
  test('commits a bar with every column', async () => {
    const of = bench.fresh();
    await bench.commit(batches.bars([bar(of, { lateCount: 2, complete: false, gap: true })]));
    expect(await bench.read('bars', of)).toEqual([
      {
        venue: 'binance',
        symbol: of.symbol,
        timeframe: '1m',
        ts: '2026-11-23T12:00:00.000000Z',
        open: '10',
        high: '12.5',
        low: '9',
        close: '11',
        volume: '3',
        quote_volume: '33.3',
        buy_volume: '1.5',
        vwap: '11.1',
        trade_count: 4,
        first_trade_id: '1',
        last_trade_id: '4',
        late_count: 2,
        complete: false,
        gap: true,
        revision: 1,
      },
    ]);
  });

  test('keeps a flat bar without vwap and ids', async () => {
    const of = bench.fresh();
    const empty = { tradeCount: 0, vwap: undefined };
    const flat = bar(of, { ...empty, firstTradeId: undefined, lastTradeId: undefined });
    await bench.commit(batches.bars([flat]));
    expect(await bench.read('bars', of)).toMatchObject([
      { trade_count: 0, vwap: null, first_trade_id: null, last_trade_id: null },
    ]);
  });

  test('keeps bars of one opening time and different timeframes apart', async () => {
    const of = bench.fresh();
    await bench.commit(
      batches.bars([bar(of), bar(of, { timeframe: 1 }), bar(of, { timeframe: 86_400 })]),
    );
    const timeframes = (await bench.read('bars', of)).map(({ timeframe }) => timeframe);
    expect(timeframes).toEqual(['1s', '1m', '1d']);
  });
}

/** A copy replaces the stored one when its rank is greater. */
export function describeRevisions(bench: Bench): void {
  test('keeps the greatest by epoch, trades, complete and revision, in any order', async () => {
    const differing = fc.uniqueArray(ranks, { minLength: 1, maxLength: 8, selector: weight });
    await fc.assert(
      fc.asyncProperty(differing, fc.nat({ max: 8 }), async (copies, cut) => {
        const of = bench.fresh();
        const bars = copies.map((rank) => bar(of, { ...rank, close: decimal(`${weight(rank)}`) }));
        for (const part of [bars.slice(0, cut), bars.slice(cut), bars]) {
          const counts = await bench.commit(batches.bars(part));
          expect(counts.committed + counts.alreadyThere).toBe(part.length);
        }
        const greatest = Math.max(...copies.map(weight));
        expect(await bench.read('bars', of)).toMatchObject([{ close: String(greatest) }]);
      }),
      { numRuns: 40 },
    );
  });

  test('counts a revision as committed, and a bar that replaces nothing as there', async () => {
    const of = bench.fresh();
    await bench.commit(batches.bars([bar(of)]));
    expect(await bench.commit(batches.bars([bar(of)]))).toEqual({
      committed: 0,
      alreadyThere: 1,
      dead: [],
    });
    expect(await bench.commit(batches.bars([bar(of, { revision: 2 })]))).toEqual({
      committed: 1,
      alreadyThere: 0,
      dead: [],
    });
  });
}
