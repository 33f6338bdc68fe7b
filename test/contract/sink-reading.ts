import { expect, test } from 'bun:test';
import type { Trade } from '../../src/market/events.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { eventTime } from '../../src/market/time.ts';
import { columns } from '../../src/sinks/reader.ts';
import { bar, batches, gap, noon, quote, SECOND, trade } from './sink-fixtures.ts';
import type { Bench, NamedRow } from './sink.ts';

function tradesAt(of: Instrument, seconds: readonly number[]): readonly Trade[] {
  return seconds.map((second) =>
    trade(of, { id: 100 + second, eventTime: eventTime(noon + second * SECOND) }),
  );
}

function cells(rows: readonly NamedRow[], column: string): readonly unknown[] {
  return rows.map((row) => row[column]);
}

/** What users build on. */
export function describeViews(bench: Bench): void {
  test.each(['trades', 'quotes', 'bars', 'gaps'] as const)(
    'has the documented columns in front of the view %s',
    async (view) => {
      const documented = Object.keys(columns[view]);
      expect((await bench.opened().columns(view)).slice(0, documented.length)).toEqual(documented);
    },
  );
}

/** By time: order, ranges and limits. */
export function describeRanges(bench: Bench): void {
  test('reads rows by time, then id, whatever order they came in', async () => {
    const of = bench.fresh();
    await bench.commit(
      batches.trades([...tradesAt(of, [3, 1, 2]), trade(of, { id: 7 }), trade(of)]),
    );
    expect(cells(await bench.read('trades', of), 'trade_id')).toEqual([
      '1',
      '7',
      '101',
      '102',
      '103',
    ]);
  });

  test('reads the latest rows of a limit, in ascending order', async () => {
    const of = bench.fresh();
    await bench.commit(batches.trades(tradesAt(of, [1, 2, 3, 4])));
    const latest = await bench.read('trades', of, { limit: 2 });
    expect(cells(latest, 'trade_id')).toEqual(['103', '104']);
    expect(await bench.read('trades', of, { limit: 9 })).toHaveLength(4);
  });

  test('reads from a time on, and up to but without another', async () => {
    const of = bench.fresh();
    await bench.commit(batches.trades(tradesAt(of, [1, 2, 3, 4])));
    const range = { from: noon + 2 * SECOND, to: noon + 4 * SECOND };
    expect(cells(await bench.read('trades', of, range), 'trade_id')).toEqual(['102', '103']);
    await bench.commit(batches.quotes([quote(of)]));
    expect(await bench.read('quotes', of, { to: noon })).toEqual([]);
    expect(await bench.read('quotes', of, { from: noon })).toHaveLength(1);
  });

  test('reads the gaps that reach into a range', async () => {
    const of = bench.fresh();
    // From second 10 to second 20.
    await bench.commit(batches.gaps([gap(of)]));
    expect(await bench.read('gaps', of, { from: noon + 15 * SECOND })).toHaveLength(1);
    expect(await bench.read('gaps', of, { to: noon + 15 * SECOND })).toHaveLength(1);
    expect(await bench.read('gaps', of, { to: noon + 10 * SECOND })).toEqual([]);
    expect(await bench.read('gaps', of, { from: noon + 21 * SECOND })).toEqual([]);
  });
}

/** By name, and beside a writer. */
export function describeReading(bench: Bench): void {
  test('reads bars of one timeframe', async () => {
    const of = bench.fresh();
    await bench.commit(batches.bars([bar(of), bar(of, { timeframe: 1 })]));
    expect(cells(await bench.read('bars', of, { timeframe: 1 }), 'timeframe')).toEqual(['1s']);
    expect(await bench.read('bars', of, { timeframe: 300 })).toEqual([]);
  });

  test('reads a symbol of every venue, or of one', async () => {
    const of = bench.fresh();
    const elsewhere = { ...bench.fresh(), venue: 'kraken', symbol: of.symbol };
    await bench.commit(batches.trades([trade(elsewhere), trade(of)]));
    const all = await bench.read('trades', of, { venue: undefined });
    expect(cells(all, 'venue')).toEqual(['binance', 'kraken']);
    expect(cells(await bench.read('trades', elsewhere), 'venue')).toEqual(['kraken']);
  });

  test('reads nothing of a symbol it does not know, and tells which it does', async () => {
    const of = bench.fresh();
    await bench.commit(batches.trades([trade(of)]));
    expect(await bench.read('trades', bench.fresh())).toEqual([]);
    expect(await bench.reader().instruments()).toEqual([{ venue: 'binance', symbol: of.symbol }]);
  });

  test('stops in the middle of the rows when asked to, and reads again', async () => {
    const of = bench.fresh();
    await bench.commit(batches.trades(tradesAt(of, [1, 2, 3])));
    const all = { timeframe: undefined, from: undefined, to: undefined, limit: undefined };
    for await (const row of bench.reader().rows({ kind: 'trades', ...of, ...all })) {
      expect(row[3]).toBe('101');
      break;
    }
    expect(await bench.read('trades', of)).toHaveLength(3);
  });

  test('sees what is committed while it is open', async () => {
    const of = bench.fresh();
    expect(await bench.read('trades', of)).toEqual([]);
    await bench.commit(batches.trades([trade(of)]));
    expect(await bench.read('trades', of)).toHaveLength(1);
  });
}
