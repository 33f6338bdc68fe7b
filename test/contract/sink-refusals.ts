import { expect, test } from 'bun:test';
import { MdpError } from '../../src/runtime/errors.ts';
import { bar, batches, gap, quote, trade } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/** A row that the database rejects costs itself only. */
export function describeRefusals(bench: Bench): void {
  test('commits every row but the poisoned one, and says which it was', async () => {
    const of = bench.fresh();
    const rows = Array.from({ length: 100 }, (_, index) => trade(of, { id: index }));
    rows[57] = trade(of, { id: 2n ** 63n });
    const { dead, ...counts } = await bench.commit(batches.trades(rows));
    expect(counts).toEqual({ committed: 99, alreadyThere: 0 });
    expect(dead).toHaveLength(1);
    expect(dead[0]?.index).toBe(57);
    expect(dead[0]?.reason).toMatch(/^[a-z_]+$/);
    expect(await bench.read('trades', of)).toHaveLength(99);
  });

  test('refuses a quote without sides, and only it', async () => {
    const of = bench.fresh();
    const empty = { bid: undefined, bidSize: undefined, ask: undefined, askSize: undefined };
    const { dead, ...counts } = await bench.commit(
      batches.quotes([quote(of), quote(of, { id: 2, ...empty }), quote(of, { id: 3 })]),
    );
    expect(counts).toEqual({ committed: 2, alreadyThere: 0 });
    expect(dead.map(({ index }) => index)).toEqual([1]);
  });

  test('refuses a poisoned bar and a poisoned gap, and only them', async () => {
    const of = bench.fresh();
    const poison = 2n ** 63n;
    const bars = [bar(of, { lastTradeId: poison }), bar(of, { timeframe: 1 })];
    const gaps = [gap(of, { toId: poison }), gap(of, { fromId: 6 })];
    expect(await bench.commit(batches.bars(bars))).toMatchObject({
      committed: 1,
      dead: [{ index: 0 }],
    });
    expect(await bench.commit(batches.gaps(gaps))).toMatchObject({
      committed: 1,
      dead: [{ index: 0 }],
    });
  });

  test('commits nothing of a batch that was aborted before', async () => {
    const of = bench.fresh();
    const outcome = bench.commit(batches.trades([trade(of)]), AbortSignal.abort());
    expect(await outcome.catch(codeOf)).toBe('aborted');
    expect(await bench.read('trades', of)).toEqual([]);
    expect(await bench.commit(batches.trades([trade(of)]))).toMatchObject({ committed: 1 });
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof MdpError ? error.code : error;
}
