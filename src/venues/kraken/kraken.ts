/**
 * Kraken Spot, WebSocket API v2: trade and ticker, heartbeat and status by themselves.
 *
 * Documentation: https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/trade, /ticker,
 * and https://docs.kraken.com/exchange/guides/websockets/introduction, read 2026-11-23. Each symbol
 * of each channel is acknowledged or refused by name.
 */
import type { Channel, ConnectionPlan, Subscription, Venue, VenueFacts } from '../venue.ts';
import { address, chunks, frameId, wishedSymbols } from '../wish.ts';
import { classify, decode } from './frames.ts';
import { scan } from './scan.ts';

const id = 'kraken';
const base = 'wss://ws.kraken.com';

/**
 * Ours: the documentation limits order-by-order books to 200 symbols a connection, and these
 * channels not at all.
 */
const maxSymbolsPerConnection = 200;

/** Ours: a list of names that fits well into any frame. */
const maxSymbolsPerFrame = 100;

const facts: VenueFacts = {
  // "Trade identifier is a sequence number, unique per book", and "sequential" in the overview of
  // versions (https://docs.kraken.com/exchange/api-reference/spot-websocket). 488 of 488 trades of
  // XBT/USDT of 2025-11-10 are each one more than the one before. In late 2025 the live feed left
  // trades out (https://github.com/krakenfx/api-go/issues/36): such a hole is real and is to be
  // shown.
  tradeIds: 'contiguous',
  quoteIds: false,
  maxConnectionAgeMs: undefined,
  maxSymbolsPerConnection,
  // Ours: no limit is documented for subscribing to public channels.
  maxSendsPerSecond: 5,
  // "Approximately 150 attempts per rolling 10 minutes", else the address is banned for 10 minutes.
  maxConnectsPerMinute: 15,
  confirmsPerSymbol: true,
  acksUnknownNames: false,
};

export const kraken: Venue = { id, facts, plan, classify, decode, scan };

/**
 * One subscribe frame for each channel of a list of symbols, on `/v2`, under `url` too
 * (`ws://127.0.0.1:9000/v2`).
 */
function plan(wish: Subscription): readonly ConnectionPlan[] {
  const symbols = wishedSymbols(id, wish, { aggregates: false, example: 'BTC/USD' });
  const url = address(id, base, '/v2', wish.url);
  return chunks(symbols, maxSymbolsPerConnection).map((mine) => ({
    url,
    symbols: mine,
    subscribe: chunks(mine, maxSymbolsPerFrame).flatMap((some) =>
      wish.channels.map((channel) => subscribeFrame(channel, some)),
    ),
  }));
}

/**
 * With the last 50 trades, which close the hole that a reconnect made; quotes at every change of
 * the best prices.
 */
function subscribeFrame(channel: Channel, symbols: readonly string[]) {
  const params =
    channel === 'trades'
      ? { channel: 'trade', symbol: symbols, snapshot: true }
      : { channel: 'ticker', symbol: symbols, event_trigger: 'bbo', snapshot: true };
  const request = frameId(JSON.stringify(params));
  const text = JSON.stringify({ method: 'subscribe', params, req_id: request });
  return { text, symbols, id: String(request) };
}
