/**
 * How the feed speaks as Binance, Coinbase and Kraken: answers to subscribe frames, and frames of
 * trades with marks where the reel writes ids and times. Formats: the documentation named in
 * src/venues.
 */
import * as v from 'valibot';

export const venueIds = ['binance', 'coinbase', 'kraken'] as const;
export type FeedVenue = (typeof venueIds)[number];

/** What a frame tells of a trade beside its id and time, as text. */
export type Sample = {
  readonly symbol: string;
  readonly price: string;
  readonly size: string;
  readonly taker: 'buy' | 'sell';
};

export type Answered = { readonly symbols: readonly string[]; readonly frames: readonly string[] };

export type Dialect = {
  /** Its symbol number `at`; no two are equal. */
  readonly symbol: (at: number) => string;
  /** The symbols that a subscribe frame names, and what the venue says to it. */
  readonly answer: (request: string) => Answered;
  /** How many trades of one symbol the frames hold, in turn. */
  readonly tradesInFrame: readonly number[];
  /** One frame with marks; `random` gives what only has to look real. */
  readonly frame: (trades: readonly [Sample, ...Sample[]], random: () => number) => string;
};

/**
 * As wide as what stands in their place: a trade's id, the number of that trade once more,
 * milliseconds, ISO time in microseconds.
 */
export const marks = {
  id: '#'.repeat(10),
  again: '%'.repeat(10),
  millis: '@'.repeat(13),
  iso: '~'.repeat(27),
} as const;

const binanceRequest = v.object({ params: v.array(v.string()), id: v.number() });

const binance: Dialect = {
  symbol: (at) => `SYM${String(at).padStart(5, '0')}USDT`,
  answer: (request) => {
    const { params, id } = v.parse(binanceRequest, JSON.parse(request));
    const symbols = params.map((stream) => stream.slice(0, stream.indexOf('@')).toUpperCase());
    return { symbols, frames: [`{"result":null,"id":${id}}`] };
  },
  tradesInFrame: [1],
  frame: ([{ symbol, price, size, taker }]) =>
    `{"stream":"${symbol.toLowerCase()}@trade","data":{"e":"trade","E":${marks.millis},` +
    `"s":"${symbol}","t":${marks.id},"p":"${price}000000","q":"${size}000",` +
    `"T":${marks.millis},"m":${String(taker === 'sell')},"M":true}}`,
};

const coinbaseRequest = v.object({ product_ids: v.array(v.string()) });

const coinbase: Dialect = {
  symbol: (at) => `SYM${String(at).padStart(5, '0')}-USD`,
  answer: (request) => {
    const { product_ids: symbols } = v.parse(coinbaseRequest, JSON.parse(request));
    const channels = [{ name: 'matches', product_ids: symbols }];
    return { symbols, frames: [JSON.stringify({ type: 'subscriptions', channels })] };
  },
  tradesInFrame: [1],
  frame: ([{ symbol, price, size, taker }], random) =>
    `{"type":"match","trade_id":${marks.id},"maker_order_id":"${uuid(random)}",` +
    `"taker_order_id":"${uuid(random)}","side":"${taker === 'buy' ? 'sell' : 'buy'}",` +
    `"size":"${size}","price":"${price}","product_id":"${symbol}","sequence":${marks.again},` +
    `"time":"${marks.iso}"}`,
};

const krakenRequest = v.object({
  params: v.object({ channel: v.string(), symbol: v.array(v.string()) }),
  req_id: v.number(),
});

const kraken: Dialect = {
  symbol: (at) => `SYM${String(at).padStart(5, '0')}/USD`,
  answer: (request) => {
    const { params, req_id: id } = v.parse(krakenRequest, JSON.parse(request));
    const { channel, symbol: symbols } = params;
    const answer = (symbol: string): string =>
      JSON.stringify({
        method: 'subscribe',
        req_id: id,
        result: { channel, snapshot: true, symbol },
        success: true,
      });
    return { symbols, frames: symbols.map(answer) };
  },
  tradesInFrame: [1, 1, 1, 2, 3],
  frame: (trades) => {
    const rows = trades.map(
      ({ symbol, price, size, taker }) =>
        `{"symbol":"${symbol}","side":"${taker}","price":${price},"qty":${size},` +
        `"ord_type":"market","trade_id":${marks.id},"timestamp":"${marks.iso}"}`,
    );
    return `{"channel":"trade","type":"update","data":[${rows.join()}]}`;
  },
};

export const dialects: Readonly<Record<FeedVenue, Dialect>> = { binance, coinbase, kraken };

/** The first `count` symbols of a venue, from number `from` on. */
export const symbolsOf = (venue: FeedVenue, count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_, at) => dialects[venue].symbol(from + at));

const uuid = (random: () => number): string => {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...parts, hex.slice(20)].join('-');
};
