/**
 * Coinbase Exchange market data (not Advanced Trade, which is another feed): matches, ticker,
 * heartbeat.
 *
 * Documentation: https://docs.cdp.coinbase.com/exchange/websocket-feed/overview, /channels and
 * /rate-limits, read 2026-11-23. A subscribe call with one unknown product is refused as a whole,
 * without saying which: https://github.com/coinbase/coinbase-pro-node/issues/174.
 */
import type { ConnectionPlan, Subscription, Venue, VenueFacts } from '../venue.ts';
import { address, chunks, frameId, wishedSymbols } from '../wish.ts';
import { classify, decode } from './frames.ts';
import { scan } from './scan.ts';

const id = 'coinbase';
const base = 'wss://ws-feed.exchange.coinbase.com';

/** Ours: the documentation names no limit, and advises to spread products over connections. */
const maxSymbolsPerConnection = 100;

/** Ours: a refused list is halved until the bad name stands alone, so short lists find it soon. */
const maxSymbolsPerFrame = 50;

const facts: VenueFacts = {
  // The heartbeat's last trade id "can be used to verify that no messages were missed".
  tradeIds: 'contiguous',
  // The ticker's `sequence`: "increasing integer values for each product".
  quoteIds: true,
  maxConnectionAgeMs: undefined,
  maxSymbolsPerConnection,
  // "Requests per second per IP: 8."
  maxSendsPerSecond: 8,
  // The same limit holds for connecting; half of it, since other processes share the address.
  maxConnectsPerMinute: 240,
  confirmsPerSymbol: false,
  acksUnknownNames: false,
};

export const coinbase: Venue = { id, facts, plan, classify, decode, scan };

/** One subscribe frame for all channels of a list of products, the heartbeat always among them. */
function plan(wish: Subscription): readonly ConnectionPlan[] {
  const symbols = wishedSymbols(id, wish, { aggregates: false, example: 'BTC-USD' });
  const url = address(id, base, '', wish.url);
  const names = wish.channels.map((channel) => (channel === 'trades' ? 'matches' : 'ticker'));
  const channels = [...names, 'heartbeat'];
  return chunks(symbols, maxSymbolsPerConnection).map((mine) => ({
    url,
    symbols: mine,
    subscribe: chunks(mine, maxSymbolsPerFrame).map((some) => {
      const text = JSON.stringify({ type: 'subscribe', product_ids: some, channels });
      return { text, symbols: some, id: String(frameId(text)) };
    }),
  }));
}
