/**
 * Coinbase's own day of 2021-04-17 through the executable, live from a local server that speaks
 * Coinbase, and from the recording: what is stored must be what the venue said, trade by trade.
 */
import { expect, setDefaultTimeout, test } from 'bun:test';
import * as v from 'valibot';
import { formatDecimal, parseDecimal } from '../../src/market/decimal.ts';
import { capturedFrames, capturePath, describeWithCaptures } from '../captures.ts';
import { startFeed } from './feed.ts';
import { inDirectory, mdp, query, startMdp, until, type Environment, type Rows } from './mdp.ts';

setDefaultTimeout(120_000);

const RECORDING = 'coinbase_exchange/ws-coinbase-2021-04-17T16-43-37Z.ndjson.gz';
const OLD: Environment = { PIPELINE_OPERATORS_VALIDATE_MAX_AGE_MS: '0' };

const shown = v.object({
  type: v.string(),
  product_id: v.optional(v.string(), ''),
  trade_id: v.optional(v.number(), 0),
  side: v.optional(v.picklist(['buy', 'sell'])),
  price: v.optional(v.string(), ''),
  size: v.optional(v.string(), ''),
  time: v.optional(v.string(), ''),
});

type Shown = v.InferOutput<typeof shown>;

const shownOf = (frames: readonly string[], types: readonly string[]): readonly Shown[] =>
  frames
    .filter((frame) => types.some((type) => frame.startsWith(`{"type":"${type}"`)))
    .map((frame) => v.parse(shown, JSON.parse(frame)));

/** Answers as Coinbase does: with everything that is subscribed. */
const acknowledge = (request: string): string => {
  const asked = v.object({ product_ids: v.array(v.string()), channels: v.array(v.string()) });
  const { product_ids, channels } = v.parse(asked, JSON.parse(request));
  return JSON.stringify({
    type: 'subscriptions',
    channels: channels.map((name) => ({ name, product_ids })),
  });
};

const key = (product: unknown, id: unknown): string => `${String(product)} ${String(id)}`;

const canonical = (text: string): string => {
  const decimal = parseDecimal(text);
  return decimal === undefined ? `not a number: ${text}` : formatDecimal(decimal);
};

/** Every match once and to the digit, the stream without hole or overlap, the taker's side. */
const expectAllOfIt = (frames: readonly string[], trades: Rows, gaps: Rows): void => {
  const matches = shownOf(frames, ['match', 'last_match']);
  const stored = new Map(trades.map((row) => [key(row['symbol'], row['trade_id']), row]));
  expect([matches.length, trades.length, stored.size]).toEqual([107, 107, 107]);
  for (const { product_id, trade_id, side, price, size } of matches) {
    const row = stored.get(key(product_id, trade_id));
    expect([row?.['price'], row?.['size']]).toEqual([canonical(price), canonical(size)]);
    expect(row?.['side']).toBe(side === 'sell' ? 'buy' : 'sell');
  }
  const tickers = shownOf(frames, ['ticker']);
  const takers = tickers.map(({ product_id, trade_id }) => stored.get(key(product_id, trade_id)));
  expect(takers.map((row) => row?.['side'])).toEqual(tickers.map(({ side }) => side));
  expect(tickers.length).toBe(107);
  for (const [product, rows] of Map.groupBy(trades, ({ symbol }) => String(symbol))) {
    const ids = rows.map((row) => Number(row['trade_id'])).toSorted((a, b) => a - b);
    const [first = 0] = ids;
    expect({ product, ids }).toEqual({ product, ids: ids.map((_id, at) => first + at) });
  }
  expect(gaps).toEqual([]);
};

const stored = async (directory: string, products: readonly string[]) => {
  const [trades, gaps]: [Rows, Rows] = [[], []];
  for (const product of products) {
    trades.push(...(await query(directory, 'trades', product)));
    gaps.push(...(await query(directory, 'gaps', product)));
  }
  return { trades, gaps };
};

describeWithCaptures('Coinbase 2021-04-17', () => {
  const frames = capturedFrames(RECORDING);
  const products = [...new Set(shownOf(frames, ['last_match']).map((row) => row.product_id))];

  test('live: every match once, joined to its last_match, the side the taker’s', async () => {
    const feed = startFeed({ frames, acknowledge });
    const source = { type: 'coinbase', symbols: products, url: feed.url };
    const env = {
      ...OLD,
      PIPELINE_SOURCES: JSON.stringify([source]),
      PIPELINE_DROP_POLICY: 'block',
    };
    try {
      await inDirectory(async (directory) => {
        const run = await startMdp(directory, env);
        await feed.played;
        const { ledger } = await until(
          () => run.status(),
          ({ ledger: { rows } }) =>
            (rows['trade']?.['decoded'] ?? 0) + (rows['quote']?.['decoded'] ?? 0) >= 214,
        );
        expect(ledger.balanced).toBe(true);
        expect(ledger.frames['undecodable']).toBe(0);
        expect(await run.stop()).toBe(0);
        const { trades, gaps } = await stored(directory, products);
        expectAllOfIt(frames, trades, gaps);
      });
    } finally {
      await feed.stop();
    }
  });

  test('replayed: the same', () =>
    inDirectory(async (directory) => {
      const args = ['replay', capturePath(RECORDING), '--venue', 'coinbase'];
      expect((await mdp(directory, args)).code).toBe(0);
      const { trades, gaps } = await stored(directory, products);
      expectAllOfIt(frames, trades, gaps);
    }));
});
