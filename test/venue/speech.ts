/**
 * What a scripted venue says in the words of a real one: frames as Binance, Coinbase and Kraken
 * document them, and their answers to subscriptions.
 */
import * as v from 'valibot';
import type { Peer } from './scripted-venue.ts';

/** Times in ms since the epoch; default: now. */
export type Said = { readonly symbol?: string; readonly at?: number; readonly price?: string };

export const BINANCE = 'BTCUSDT';
export const COINBASE = 'BTC-USD';
export const KRAKEN = 'BTC/USD';

export const binance = {
  trade: (id: number, { symbol = BINANCE, at = Date.now(), price = '60000.5' }: Said = {}) => {
    const data = { e: 'trade', E: at, s: symbol, t: id, p: price, q: '0.01', T: at, m: false };
    return JSON.stringify({ stream: `${symbol.toLowerCase()}@trade`, data });
  },
  quote: (id: number, { symbol = BINANCE }: Said = {}) => {
    const data = { u: id, s: symbol, b: '60000.1', B: '1', a: '60000.2', A: '2' };
    return JSON.stringify({ stream: `${symbol.toLowerCase()}@bookTicker`, data });
  },
  /** Acknowledges every subscription, as Binance does with names that do not exist too. */
  acknowledge: (peer: Peer): Promise<never> =>
    answering(peer, (request) => {
      const { id } = v.parse(v.object({ id: v.number() }), request);
      return [{ result: null, id }];
    }),
};

export const coinbase = {
  match: (id: number, { symbol = COINBASE, at = Date.now(), price = '60000.5' }: Said = {}) =>
    JSON.stringify({
      type: 'match',
      trade_id: id,
      side: 'sell',
      size: '0.01',
      price,
      product_id: symbol,
      sequence: id * 10,
      time: new Date(at).toISOString(),
    }),
  ticker: (id: number, { symbol = COINBASE, at = Date.now(), price = '60000.5' }: Said = {}) =>
    JSON.stringify({
      type: 'ticker',
      sequence: id * 10,
      product_id: symbol,
      price,
      best_bid: '60000.1',
      best_ask: '60000.6',
      side: 'buy',
      time: new Date(at).toISOString(),
      trade_id: id,
      last_size: '0.01',
    }),
  heartbeat: (lastTrade: number, { symbol = COINBASE, at = Date.now() }: Said = {}) =>
    JSON.stringify({
      type: 'heartbeat',
      sequence: lastTrade * 10 + 1,
      last_trade_id: lastTrade,
      product_id: symbol,
      time: new Date(at).toISOString(),
    }),
  /** Takes lists of known products only; a list with one of `bad` it ignores, naming nothing. */
  acknowledge: (peer: Peer, bad: readonly string[] = []): Promise<never> => {
    const taken = new Set<string>();
    return answering(peer, (request) => {
      const { product_ids } = v.parse(v.object({ product_ids: v.array(v.string()) }), request);
      if (product_ids.some((product) => bad.includes(product))) {
        return [{ type: 'error', message: 'Failed to subscribe', reason: 'not a valid product' }];
      }
      for (const product of product_ids) taken.add(product);
      const channels = [{ name: 'matches', product_ids: [...taken] }];
      return [{ type: 'subscriptions', channels }];
    });
  },
};

const krakenRequest = v.object({
  req_id: v.number(),
  params: v.object({ channel: v.string(), symbol: v.array(v.string()) }),
});

export const kraken = {
  heartbeat: '{"channel":"heartbeat"}',
  trade: (id: number, { symbol = KRAKEN, at = Date.now(), price = '60000.5' }: Said = {}) => {
    const time = new Date(at).toISOString();
    return (
      `{"channel":"trade","type":"update","data":[{"symbol":"${symbol}","side":"buy",` +
      `"price":${price},"qty":0.01,"ord_type":"limit","trade_id":${id},"timestamp":"${time}"}]}`
    );
  },
  /** Answers for each symbol of each channel by name. */
  acknowledge: (peer: Peer, bad: readonly string[] = []): Promise<never> =>
    answering(peer, (request) => {
      const { req_id, params } = v.parse(krakenRequest, request);
      return params.symbol.map((symbol) => ({
        method: 'subscribe',
        req_id,
        ...(bad.includes(symbol)
          ? { error: `Currency pair not supported ${symbol}`, success: false, symbol }
          : { result: { channel: params.channel, symbol, snapshot: true }, success: true }),
      }));
    }),
};

/** Answers every frame of the client for as long as it is there. */
const answering = async (
  peer: Peer,
  answers: (request: unknown) => readonly object[],
): Promise<never> => {
  for (;;) {
    const request: unknown = JSON.parse(await peer.next());
    for (const answer of answers(request)) peer.send(JSON.stringify(answer));
  }
};

/** Accepts, and answers subscriptions from then on. */
export const welcome = async (
  peer: Peer,
  acknowledge: (peer: Peer) => Promise<never>,
): Promise<void> => {
  await peer.accept();
  void acknowledge(peer).catch(() => peer.cut());
};

/** Does something every `ms` while the peer is there. */
export const every = (ms: number, peer: Peer, act: () => void): void => {
  const timer = setInterval(() => (peer.isClosed ? clearInterval(timer) : act()), ms);
};
