/**
 * What one writes in an afternoon, to be measured against: `JSON.parse`, a thousand rows an insert
 * through postgres.js, into a wide table keyed by what a trade is known by. Prices stay text, so it
 * is exact too; it has no bars, no bounds, and no answer to failure.
 *
 *     bun bench/plain-script.ts binance URL SYMBOLS DATABASE_URL
 */
import postgres from 'postgres';
import { subscribe } from './parts/client.ts';
import { answerExpectations } from './parts/expectations.ts';

const rowsPerInsert = 1_000;
/** As many as the executable has workers. */
const connections = 2;

const sql = postgres(process.argv[5] ?? '', { max: connections, onnotice: () => {} });
const columns = ['exchange', 'symbol', 'trade_id', 'ts', 'price', 'size', 'side'] as const;

type Row = Record<(typeof columns)[number], string | number>;

type Message = {
  readonly data?: {
    readonly s: string;
    readonly t: number;
    readonly p: string;
    readonly q: string;
    readonly T: number;
    readonly m: boolean;
  };
};

/** Typed, not checked: a plain script believes what it is sent. */
const readFrame: (text: string) => Message = JSON.parse;

const arrived = answerExpectations();
let rows: Row[] = [];
let quiet: NodeJS.Timeout | undefined;

subscribe(process.argv.slice(2), (text) => {
  const { data } = readFrame(text);
  if (data === undefined) return;
  rows.push({
    exchange: 'binance',
    symbol: data.s,
    trade_id: data.t,
    ts: new Date(data.T).toISOString(),
    price: data.p,
    size: data.q,
    side: data.m ? 'sell' : 'buy',
  });
  if (rows.length >= rowsPerInsert) flush();
  else quiet ??= setTimeout(flush, 50);
});

function flush(): void {
  clearTimeout(quiet);
  quiet = undefined;
  const batch = rows;
  rows = [];
  if (batch.length > 0) insert(batch).catch(fail);
}

async function insert(batch: readonly Row[]): Promise<void> {
  await sql`insert into plain_trade ${sql(batch, ...columns)} on conflict do nothing`;
  arrived(batch.length);
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}
