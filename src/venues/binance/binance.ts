/**
 * Binance Spot market streams: trades or aggregate trades, and best bid and offer.
 *
 * Documentation:
 * https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, as of
 * 2026-07-21, read 2026-11-23. Binance acknowledges names that do not exist, so an acknowledged
 * symbol may still never speak.
 */
import type { ConnectionPlan, Subscription, Venue, VenueFacts } from '../venue.ts';
import { address, chunks, frameId, refusal, wishedSymbols } from '../wish.ts';
import { classify, decode } from './frames.ts';
import { scan } from './scan.ts';

const id = 'binance';
const base = 'wss://stream.binance.com:9443';

/** "A single connection can listen to a maximum of 1024 streams." */
const maxStreamsPerConnection = 1024;

/** Ours: the documentation names no limit for one SUBSCRIBE. */
const maxStreamsPerFrame = 100;

const facts: VenueFacts = {
  // A kline counts the trades from its first to its last id, and every recording we have runs on
  // without a hole.
  tradeIds: 'contiguous',
  // `u`, the update id of the order book.
  quoteIds: true,
  // "A single connection to stream.binance.com is only valid for 24 hours."
  maxConnectionAgeMs: 24 * 60 * 60 * 1000,
  // Trades and quotes are a stream each.
  maxSymbolsPerConnection: maxStreamsPerConnection / 2,
  // "A limit of 5 incoming messages per second"; two are left for pings and pongs, which count too.
  maxSendsPerSecond: 3,
  // "300 connections per attempt every 5 minutes per IP."
  maxConnectsPerMinute: 60,
  confirmsPerSymbol: false,
  acksUnknownNames: true,
};

export const binance: Venue = { id, facts, plan, classify, decode, scan };

/**
 * Combined streams, subscribed by frames on `/stream`, under `url` too
 * (`ws://127.0.0.1:9000/stream`). Symbols may be written in any case; Binance's own spelling is
 * upper case in data, lower case in stream names.
 */
function plan(wish: Subscription): readonly ConnectionPlan[] {
  const wished = wishedSymbols(id, wish, { aggregates: true, example: 'BTCUSDT' });
  const symbols = [...new Set(wished.map((symbol) => symbol.toUpperCase()))];
  const bad = symbols.find((symbol) => /[@/]/.test(symbol));
  if (bad !== undefined) throw refusal(id, `${bad} is no symbol`, 'write BTCUSDT, not BTC/USDT');
  const url = address(id, base, '/stream', wish.url);
  const types = wish.channels.map((channel) => (channel === 'trades' ? wish.trades : 'bookTicker'));
  return chunks(symbols, facts.maxSymbolsPerConnection).map((mine) => ({
    url,
    symbols: mine,
    subscribe: chunks(mine, Math.floor(maxStreamsPerFrame / types.length)).map((some) =>
      subscribeFrame(some, types),
    ),
  }));
}

function subscribeFrame(symbols: readonly string[], types: readonly string[]) {
  const params = symbols.flatMap((symbol) =>
    types.map((type) => `${symbol.toLowerCase()}@${type}`),
  );
  const request = frameId(params.join());
  const text = JSON.stringify({ method: 'SUBSCRIBE', params, id: request });
  return { text, symbols, id: String(request) };
}
