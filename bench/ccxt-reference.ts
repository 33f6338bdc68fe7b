/**
 * What ccxt.pro does with the same feed on Node: `watchTradesForSymbols`, and with a database 1,000
 * rows an insert through postgres.js. A reference, not a competitor: it does much that we do not.
 * Bundled and started by measures/ccxt.ts where ccxt can be installed.
 *
 *     node ccxt-reference.js binance URL SYMBOLS [DATABASE_URL]
 */
import postgres from 'postgres';
import * as v from 'valibot';
import { symbolsOf } from './feed/dialects.ts';
import { answerExpectations } from './parts/expectations.ts';

const rowsPerInsert = 1_000;
const columns = ['exchange', 'symbol', 'trade_id', 'ts', 'price', 'size', 'side'] as const;

type Trade = {
  readonly symbol: string;
  readonly id: string;
  readonly datetime: string;
  readonly price: number;
  readonly amount: number;
  readonly side: string;
};

/** As much of an exchange of ccxt.pro as is used here. */
type Exchange = {
  urls: { api: { ws: { spot: string } } };
  trades: Record<string, readonly Trade[]>;
  setMarkets(markets: readonly unknown[]): void;
  loadHttpProxyAgent(): Promise<unknown>;
  safeMarketStructure(market: object): unknown;
  handleTrade(client: unknown, message: { readonly s: string }): void;
  watchTradesForSymbols(symbols: readonly string[]): Promise<unknown>;
};

type Ccxt = { readonly pro: { readonly binance: new (options: object) => Exchange } };

/** It has no types here: it is not among the dependencies. */
const isCcxt = (module: unknown): module is Ccxt =>
  typeof module === 'object' && module !== null && 'pro' in module;

const specifier = 'ccxt';
const { default: ccxt } = v.parse(
  v.object({ default: v.custom<Ccxt>(isCcxt) }),
  await import(specifier),
);
const [, , , url = '', count, databaseUrl] = process.argv;
const ids = symbolsOf('binance', Number(count));
const sql = databaseUrl === undefined ? undefined : postgres(databaseUrl, { max: 2 });
const arrived = answerExpectations();
let rows: Trade[] = [];
let quiet: NodeJS.Timeout | undefined;

const exchange = new ccxt.pro.binance({ enableRateLimit: false });
exchange.urls.api.ws.spot = `${url}/ws`;
// Without it, addresses that begin with ws:// are refused.
await exchange.loadHttpProxyAgent();
exchange.setMarkets(ids.map(marketOf));
// Each message comes through here; what `watch…` returns to a loop may skip some of them.
const handle = exchange.handleTrade.bind(exchange);
exchange.handleTrade = (client, message) => {
  handle(client, message);
  const trade = exchange.trades[unified(message.s)]?.at(-1);
  if (trade !== undefined) take(trade);
};
await watch();

async function watch(): Promise<never> {
  const symbols = ids.map(unified);
  for (;;) await exchange.watchTradesForSymbols(symbols);
}

function marketOf(id: string): unknown {
  const base = id.slice(0, -4);
  const names = { base, quote: 'USDT', baseId: base, quoteId: 'USDT' };
  const kind = { type: 'spot', spot: true, active: true };
  const precision = { amount: 1e-5, price: 0.01 };
  const market = { id, lowercaseId: id.toLowerCase(), symbol: unified(id), precision };
  return exchange.safeMarketStructure({ ...market, ...names, ...kind });
}

function unified(id: string): string {
  return `${id.slice(0, -4)}/USDT`;
}

function take(trade: Trade): void {
  if (sql === undefined) {
    arrived(1);
    return;
  }
  rows.push(trade);
  if (rows.length >= rowsPerInsert) flush();
  else quiet ??= setTimeout(flush, 50);
}

function flush(): void {
  clearTimeout(quiet);
  quiet = undefined;
  const batch = rows;
  rows = [];
  insert(batch).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}

async function insert(batch: readonly Trade[]): Promise<void> {
  if (sql === undefined || batch.length === 0) return;
  const wide = batch.map((trade) => ({
    exchange: 'binance',
    symbol: trade.symbol,
    trade_id: trade.id,
    ts: trade.datetime,
    price: trade.price,
    size: trade.amount,
    side: trade.side,
  }));
  await sql`insert into plain_trade ${sql(wide, ...columns)} on conflict do nothing`;
  arrived(batch.length);
}
