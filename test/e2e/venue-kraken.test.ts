/**
 * Kraken v2 sends prices and sizes as JSON numbers: every digit that stood in a frame must come out
 * of the database again, through `mdp replay` and `mdp query`.
 */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import * as v from 'valibot';
import { formatDecimal, parseDecimal } from '../../src/market/decimal.ts';
import { capturedFrames, describeWithCaptures } from '../captures.ts';
import { samplesOf } from '../contract/venue-frames.ts';
import { inDirectory, mdp, query, type Rows } from './mdp.ts';

setDefaultTimeout(60_000);

/** Samples are of any year: none is stale. */
const ANY_AGE = { PIPELINE_OPERATORS_VALIDATE_MAX_AGE_MS: '0' };

type Stored = { readonly trades: Rows; readonly quotes: Rows };

/** The rows that a replay of `frames` leaves, of these symbols. */
const replayed = (frames: readonly string[], symbols: Iterable<string>): Promise<Stored> =>
  inDirectory(async (directory) => {
    const lines = frames.map((data, at) =>
      JSON.stringify({ ts: 1_795_000_000 + at, t: 'recv', conn: 'kraken', data }),
    );
    await Bun.write(join(directory, 'ws-kraken.ndjson'), `${lines.join('\n')}\n`);
    const args = ['replay', 'ws-kraken.ndjson', '--venue', 'kraken'];
    const { code, stderr } = await mdp(directory, args, ANY_AGE);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const [trades, quotes]: [Rows, Rows] = [[], []];
    for (const symbol of symbols) {
      trades.push(...(await query(directory, 'trades', symbol)));
      quotes.push(...(await query(directory, 'quotes', symbol)));
    }
    return { trades, quotes };
  });

const tradeFrame = (price: string, size: string, id: number): string =>
  `{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":${price},` +
  `"qty":${size},"ord_type":"limit","trade_id":${id},"timestamp":"2026-09-25T07:49:37.708706Z"}]}`;

test('digits that a float would lose, or write otherwise, come back as they were', async () => {
  const digits: readonly (readonly [string, string, string, string])[] = [
    ['97000.10', '5e-8', '97000.1', '0.00000005'],
    ['0.30', '1E+2', '0.3', '100'],
    ['12345678901234567.123456789', '1.000', '12345678901234567.123456789', '1'],
    ['9007199254740993', '0.1000000000000000055', '9007199254740993', '0.1000000000000000055'],
  ];
  const frames = digits.map(([price, size], at) => tradeFrame(price, size, at + 1));
  const { trades } = await replayed(frames, ['BTC/USD']);
  const byId = trades.toSorted((a, b) => Number(a['trade_id']) - Number(b['trade_id']));
  expect(byId.map((row) => [row['price'], row['size'], row['ts']])).toEqual(
    digits.map(([, , price, size]) => [price, size, '2026-09-25T07:49:37.708706Z']),
  );
});

/** A message whose rows have every number as it stood in the frame. */
const message = v.object({
  data: v.optional(v.array(v.record(v.string(), v.string())), []),
});

const rowsOf = (frames: readonly string[], channel: string) =>
  frames
    .filter((frame) => frame.replaceAll(/\s/g, '').includes(`"channel":"${channel}"`))
    .flatMap((frame) => {
      const read: unknown = JSON.parse(frame, (_key, value: unknown, { source }) =>
        typeof value === 'number' ? source : value,
      );
      return v.parse(message, read).data;
    });

const canonical = (text: string | undefined): string | null => {
  const decimal = text === undefined ? undefined : parseDecimal(text);
  return decimal === undefined ? null : formatDecimal(decimal);
};

/** One side of a quote; a price or size of zero says that there is none. */
const level = (price: string | undefined, size: string | undefined): readonly (string | null)[] => {
  const both = [canonical(price), canonical(size)];
  return both.includes('0') ? [null, null] : both;
};

const inOrder = (lines: Iterable<unknown>): readonly string[] =>
  [...new Set([...lines].map((line) => JSON.stringify(line)))].toSorted();

describeWithCaptures('Kraken v2 samples', () => {
  const frames = [
    ...capturedFrames('kraken_v2/captured-frames.ndjson'),
    ...samplesOf('kraken'),
  ].filter((frame) => /"channel": *"(?:trade|ticker)"/.test(frame));

  test('every trade and quote of them is decoded to the digit', async () => {
    const trade = rowsOf(frames, 'trade');
    const ticker = rowsOf(frames, 'ticker').filter(({ bid, ask }) => bid !== '0' || ask !== '0');
    expect(Math.min(trade.length, ticker.length)).toBeGreaterThanOrEqual(2);
    const symbols = new Set([...trade, ...ticker].map(({ symbol }) => symbol ?? ''));
    const { trades, quotes } = await replayed(frames, symbols);
    const storedTrades = trades.map((row) =>
      ['symbol', 'trade_id', 'price', 'size', 'side'].map((name) => String(row[name])),
    );
    expect(inOrder(storedTrades)).toEqual(
      inOrder(
        trade.map(({ symbol, trade_id: id, price, qty: size, side }) => [
          symbol,
          id,
          canonical(price),
          canonical(size),
          side,
        ]),
      ),
    );
    const storedQuotes = quotes.map((row) =>
      ['symbol', 'bid', 'bid_size', 'ask', 'ask_size'].map((name) => row[name]),
    );
    expect(inOrder(storedQuotes)).toEqual(
      inOrder(
        ticker.map(({ symbol, bid, bid_qty: bidSize, ask, ask_qty: askSize }) => [
          symbol,
          ...level(bid, bidSize),
          ...level(ask, askSize),
        ]),
      ),
    );
  });
});
