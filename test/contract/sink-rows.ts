import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatDecimal } from '../../src/market/decimal.ts';
import type { Trade } from '../../src/market/events.ts';
import { compareInteger, type Integer } from '../../src/market/integer.ts';
import { eventTime, formatTime, receiveTime } from '../../src/market/time.ts';
import type { Committed } from '../../src/sinks/sink.ts';
import { bar, batches, deadLetter, decimals, ids, micros, quote, trade } from './sink-fixtures.ts';
import type { Bench } from './sink.ts';

/** Rows go in whole, once, and come back to the digit. */
export function describeRows(bench: Bench): void {
  test('commits a trade with every column', async () => {
    const of = bench.fresh();
    const aggregate = { ref: 'a-17', side: 'sell', firstId: 3, lastId: 9, late: 'stale' } as const;
    expect(await bench.commit(batches.trades([trade(of, aggregate)]))).toEqual(committed(1));
    expect(await bench.read('trades', of)).toEqual([
      {
        venue: 'binance',
        symbol: of.symbol,
        ts: '2026-11-23T12:00:00.000000Z',
        trade_id: '1',
        price: '97000.1',
        size: '0.25',
        side: 'sell',
        receive_ts: '2026-11-23T12:00:00.001234Z',
        late: true,
        first_id: '3',
        last_id: '9',
        trade_ref: 'a-17',
      },
    ]);
  });

  test('keeps what the venue did not say about a trade as null', async () => {
    const of = bench.fresh();
    await bench.commit(batches.trades([trade(of, { side: undefined })]));
    const nothing = { side: null, late: false, first_id: null, last_id: null, trade_ref: null };
    expect(await bench.read('trades', of)).toMatchObject([nothing]);
  });

  test('commits quotes, one-sided and without a time of the venue', async () => {
    const of = bench.fresh();
    const oneSided = { id: 2, eventTime: undefined, bid: undefined, bidSize: undefined };
    await bench.commit(batches.quotes([quote(of), quote(of, oneSided)]));
    const ask = { ask: '97000.2', ask_size: '0.5' };
    expect(await bench.read('quotes', of)).toMatchObject([
      { ts: '2026-11-23T12:00:00.000000Z', quote_id: '1', bid: '97000.1', bid_size: '3', ...ask },
      { ts: '2026-11-23T12:00:00.001234Z', quote_id: '2', bid: null, bid_size: null, ...ask },
    ]);
  });
}

/** Once, however often it comes. */
export function describeCopies(bench: Bench): void {
  test('leaves one copy of trades and quotes that come twice, and counts the other', async () => {
    const of = bench.fresh();
    const twice = [trade(of), trade(of, { id: 2 }), trade(of)];
    expect(await bench.commit(batches.trades(twice))).toEqual({
      committed: 2,
      alreadyThere: 1,
      dead: [],
    });
    expect(await bench.commit(batches.trades(twice))).toEqual(alreadyThere(3));
    expect(await bench.commit(batches.quotes([quote(of)]))).toEqual(committed(1));
    expect(await bench.commit(batches.quotes([quote(of)]))).toEqual(alreadyThere(1));
    expect(await bench.read('trades', of)).toHaveLength(2);
    expect(await bench.read('quotes', of)).toHaveLength(1);
  });

  test('commits an empty batch of every table as nothing', async () => {
    for (const empty of Object.values(batches)) {
      expect(await bench.commit(empty([]))).toEqual(committed(0));
    }
  });

  test('interns an instrument once, whatever id it has in this process', async () => {
    const of = bench.fresh();
    const again = { ...of, id: bench.fresh().id };
    await bench.commit(batches.trades([trade(of), trade(again, { id: 2 }), trade(of, { id: 3 })]));
    await bench.commit(batches.bars([bar(again)]));
    const known = await bench.opened().texts('select venue, symbol from instrument');
    expect(known).toEqual([['binance', of.symbol]]);
    expect(await bench.read('trades', of)).toHaveLength(3);
  });

  test('keeps a dead letter once by position and row, every byte of it', async () => {
    const letter = deadLetter({ position: 2n ** 62n, sqlstate: '22003' });
    const letters = [letter, deadLetter({ position: 2n ** 62n, row: 1 }), letter];
    expect(await bench.commit(batches.deadLetters(letters))).toEqual({
      committed: 2,
      alreadyThere: 1,
      dead: [],
    });
    const sql = `select position, "row", source, stage, reason, sqlstate, length(payload)
      from dead_letter order by "row"`;
    expect(await bench.opened().texts(sql)).toEqual([
      ['4611686018427387904', '0', 'binance', 'decode', 'undecodable', '22003', '3'],
      ['4611686018427387904', '1', 'binance', 'decode', 'undecodable', null, '3'],
    ]);
  });
}

export function describeDigits(bench: Bench): void {
  test('gives back every digit of prices, sizes, ids and times', async () => {
    const value = fc.record({ price: decimals, size: decimals, id: ids, ts: micros });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (values) => {
        const of = bench.fresh();
        const unique = [...new Map(values.map((one) => [`${one.ts} ${one.id}`, one])).values()];
        const sent = unique.map(({ ts, ...fields }): Trade => {
          const times = { eventTime: eventTime(ts), receiveTime: receiveTime(ts + 1) };
          return trade(of, { ...fields, ...times, firstId: fields.id });
        });
        expect(await bench.commit(batches.trades(sent))).toEqual(committed(sent.length));
        const expected = unique.toSorted(byTimeAndId).map(({ price, size, id, ts }) => ({
          ts: formatTime(ts),
          trade_id: String(id),
          price: formatDecimal(price),
          size: formatDecimal(size),
          receive_ts: formatTime(ts + 1),
          first_id: String(id),
        }));
        expect(await bench.read('trades', of)).toMatchObject(expected);
      }),
      { numRuns: 30 },
    );
  });

  test('gives back every digit of a bar', async () => {
    const value = fc.record({ quoteVolume: decimals, vwap: decimals, lastTradeId: ids });
    await fc.assert(
      fc.asyncProperty(value, async (fields) => {
        const of = bench.fresh();
        await bench.commit(batches.bars([bar(of, fields)]));
        expect(await bench.read('bars', of)).toMatchObject([
          {
            quote_volume: formatDecimal(fields.quoteVolume),
            vwap: formatDecimal(fields.vwap),
            last_trade_id: String(fields.lastTradeId),
          },
        ]);
      }),
      { numRuns: 30 },
    );
  });
}

type Key = { readonly ts: number; readonly id: Integer };

function byTimeAndId(a: Key, b: Key): number {
  return a.ts - b.ts || compareInteger(a.id, b.id);
}

function committed(rows: number): Committed {
  return { committed: rows, alreadyThere: 0, dead: [] };
}

function alreadyThere(rows: number): Committed {
  return { committed: 0, alreadyThere: rows, dead: [] };
}
