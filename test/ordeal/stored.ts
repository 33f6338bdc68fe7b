/**
 * What stands in a database, asked for in the SQL that PostgreSQL and SQLite both speak, and what
 * must be true of it however often its writer was killed.
 */
import { Database } from 'bun:sqlite';
import { execute } from '../postgres/server.ts';
import { idOf, MOST_MISSING, symbolOf, SYMBOLS } from './tape.ts';
import type { Counted } from './lives.ts';

export type Row = Readonly<Record<string, unknown>>;

export type Stored = {
  rows(sql: string): Promise<readonly Row[]>;
  /** How many bars differ from what their trades give, and of how many. */
  wrongBars(
    timeframes: readonly Timeframe[],
  ): Promise<{ readonly wrong: number; readonly of: number }>;
};

export type Timeframe = { readonly name: string; readonly seconds: number };

type Island = { readonly symbol: string; readonly first: number; readonly last: number };

/** Runs of ids without a hole. With an id twice they mean nothing. */
const ISLANDS = `select symbol, min(trade_id) as first, max(trade_id) as last from (
    select symbol, trade_id,
      trade_id - row_number() over (partition by symbol order by trade_id) as island
    from trades) numbered
  group by symbol, island order by symbol, 2`;

export const islandsOf = async (stored: Stored): Promise<readonly Island[]> =>
  (await stored.rows(ISLANDS)).map(({ symbol, first, last }) => ({
    symbol: String(symbol),
    first: Number(first),
    last: Number(last),
  }));

export const countOf = async (stored: Stored, what: string): Promise<number> =>
  Number((await stored.rows(`select count(*) as n from ${what}`))[0]?.['n']);

/** Everything that is wrong, in words; what is right says nothing. */
export const judgeStored = async (
  stored: Stored,
  { kills, counted }: { readonly kills: number; readonly counted: readonly Counted[] },
): Promise<readonly string[]> => {
  const all = await countOf(stored, 'trades');
  const ids = await countOf(stored, '(select distinct symbol, trade_id from trades) as once');
  if (all !== ids) return [`${all - ids} ids are there more than once`];
  const islands = await islandsOf(stored);
  return [
    ...SYMBOLS.flatMap((symbol) => {
      const holes = islands.filter((island) => island.symbol === symbol).length - 1;
      return holes > kills ? [`${holes} holes in ${symbol} after ${kills} kills`] : [];
    }),
    ...holesOf(islands).flatMap(({ name, missing }) =>
      missing > MOST_MISSING ? [`the hole ${name} lacks ${missing}`] : [],
    ),
    ...counted.flatMap((life) => missingOf(life, islands)),
    ...(await unrecorded(stored, islands)),
  ];
};

/** Frames that a life had counted, but for its acknowledgement, and that are not there. */
const missingOf = ({ start, frames }: Counted, islands: readonly Island[]): readonly string[] => {
  let missing = 0;
  const bySymbol = Map.groupBy(islands, ({ symbol }) => symbol);
  for (let frame = start; frame < start + frames - 1; frame += 1) {
    const id = idOf(frame);
    const there = bySymbol
      .get(symbolOf(frame))
      ?.some(({ first, last }) => id >= first && id <= last);
    if (there !== true) missing += 1;
  }
  return missing > 0
    ? [`${missing} of ${frames} frames from ${start} on were counted and lost`]
    : [];
};

/** Between the islands of one symbol. */
const holesOf = (islands: readonly Island[]) =>
  islands.flatMap((island, at) => {
    const next = islands[at + 1];
    if (next?.symbol !== island.symbol) return [];
    const [first, last] = [island.last + 1, next.first - 1];
    return [{ name: `${island.symbol} ${first}-${last}`, missing: last - first + 1 }];
  });

/** Every hole has its gap row, and every unfilled gap row is a hole. */
const unrecorded = async (
  stored: Stored,
  islands: readonly Island[],
): Promise<readonly string[]> => {
  const gaps = await stored.rows(
    `select symbol, from_id, to_id, missing, reason from gaps
     where filled_at is null and from_id is not null and missing > 0`,
  );
  const recorded = gaps.map(
    (gap) => `${String(gap['symbol'])} ${String(gap['from_id'])}-${String(gap['to_id'])}`,
  );
  const holes = holesOf(islands).map(({ name }) => name);
  const reasons = gaps.map(({ reason }) => String(reason));
  return [
    ...holes.filter((hole) => !recorded.includes(hole)).map((hole) => `no gap row for ${hole}`),
    ...recorded.filter((gap) => !holes.includes(gap)).map((gap) => `no hole at ${gap}`),
    ...reasons.filter((reason) => !['down', 'reconnect'].includes(reason)),
  ];
};

export const postgresStored = (url: string): Stored => ({
  rows: (sql) => execute(url, `set search_path to mdp; ${sql}`).then(lastRows),
  wrongBars: async (timeframes) => {
    const list = timeframes.map(({ name, seconds }) => `('${name}', ${seconds})`).join(', ');
    const [row] = lastRows(await execute(url, `set search_path to mdp; ${wrongBarsSql(list)}`));
    return { wrong: Number(row?.['wrong']), of: Number(row?.['bars']) };
  },
});

/** Of several statements in one text, the rows of the last. */
const lastRows = (rows: readonly Row[]): readonly Row[] => {
  const last: unknown = rows.at(-1);
  return Array.isArray(last) ? last : rows;
};

/** Prices have two digits, and a vwap eight more. */
const wrongBarsSql = (timeframes: string): string => `
  with told as (
    select symbol, name as timeframe,
      to_timestamp(floor(extract(epoch from ts) / seconds) * seconds) as ts,
      (array_agg(price order by ts, trade_id))[1] as open, max(price) as high, min(price) as low,
      (array_agg(price order by ts desc, trade_id desc))[1] as close,
      sum(size) as volume, sum(price * size) as quote_volume,
      coalesce(sum(size) filter (where side = 'buy'), 0) as buy_volume,
      round(sum(price * size) / sum(size), 10) as vwap, count(*) as trade_count,
      min(trade_id) as first_trade_id, max(trade_id) as last_trade_id
    from trades cross join (values ${timeframes}) as frames(name, seconds)
    where not late group by 1, 2, 3)
  select count(*) as bars, count(*) filter (where
    (t.open, t.high, t.low, t.close, t.volume, t.quote_volume, t.buy_volume, t.vwap,
      t.trade_count, t.first_trade_id, t.last_trade_id) is distinct from
    (b.open, b.high, b.low, b.close, b.volume, b.quote_volume, b.buy_volume, b.vwap,
      b.trade_count, b.first_trade_id, b.last_trade_id)) as wrong
  from told t full join bars b using (symbol, timeframe, ts)`;

export const sqliteStored = (path: string): Stored => {
  const rows = (sql: string): readonly Row[] => {
    using database = new Database(path, { readonly: true });
    using statement = database.query<Row, []>(sql);
    return statement.all();
  };
  return {
    rows: (sql) => Promise.resolve(rows(sql)),
    wrongBars: (timeframes) => {
      const told = barsOf(rows(TRADES), timeframes);
      const bars = rows('select * from bars');
      const right = bars.filter((bar) => told.get(keyOf(bar)) === textOf(bar)).length;
      const all = Math.max(bars.length, told.size);
      return Promise.resolve({ wrong: all - right, of: all });
    },
  };
};

const TRADES = `select symbol, ts, trade_id, price, size, side from trades
  where not late order by symbol, ts, trade_id`;

const keyOf = (bar: Row): string =>
  `${String(bar['symbol'])} ${String(bar['timeframe'])} ${String(bar['ts'])}`;

const textOf = (bar: Row): string =>
  [
    ...['open', 'high', 'low', 'close'].map((name) => unitsOf(bar[name], 2)),
    ...['volume', 'buy_volume'].map((name) => unitsOf(bar[name], 5)),
    unitsOf(bar['quote_volume'], 7),
    unitsOf(bar['vwap'], 10),
    ...['trade_count', 'first_trade_id', 'last_trade_id'].map((name) => bar[name]),
  ].join(' ');

/** A decimal of at most `scale` digits behind the point, in its last digit's units. */
const unitsOf = (text: unknown, scale: number): bigint => {
  const [whole = '0', part = ''] = String(text).split('.');
  return BigInt(whole + part.padEnd(scale, '0'));
};

class ExactBar {
  open = 0n;
  high = 0n;
  low = 0n;
  close = 0n;
  volume = 0n;
  buys = 0n;
  quoteVolume = 0n;
  count = 0;
  first = 0;
  last = 0;

  take(trade: Row): void {
    const price = unitsOf(trade['price'], 2);
    const size = unitsOf(trade['size'], 5);
    if (this.count === 0) {
      this.open = this.high = this.low = price;
      this.first = Number(trade['trade_id']);
    }
    if (price > this.high) this.high = price;
    if (price < this.low) this.low = price;
    this.close = price;
    this.last = Number(trade['trade_id']);
    this.volume += size;
    if (trade['side'] === 'buy') this.buys += size;
    this.quoteVolume += price * size;
    this.count += 1;
  }

  toString(): string {
    const { open, high, low, close, volume, buys, quoteVolume, count, first, last } = this;
    const vwap = halfUp(quoteVolume * 100_000_000n, volume);
    const all = [open, high, low, close, volume, buys, quoteVolume, vwap, count, first, last];
    return all.join(' ');
  }
}

const halfUp = (numerator: bigint, denominator: bigint): bigint =>
  (2n * numerator + denominator) / (2n * denominator);

const barsOf = (trades: readonly Row[], timeframes: readonly Timeframe[]): Map<string, string> => {
  const bars = new Map<string, ExactBar>();
  for (const trade of trades) {
    const seconds = Math.floor(Date.parse(String(trade['ts'])) / 1000);
    for (const { name, seconds: length } of timeframes) {
      const opens = new Date((seconds - (seconds % length)) * 1000).toISOString();
      const key = `${String(trade['symbol'])} ${name} ${opens.replace('Z', '000Z')}`;
      const bar = bars.get(key) ?? new ExactBar();
      bars.set(key, bar);
      bar.take(trade);
    }
  }
  return new Map([...bars].map(([key, bar]) => [key, bar.toString()]));
};
