/**
 * The three Binance oracles through the executable into a database, live from a local WebSocket
 * server and by `mdp replay`: what is asked back must equal what the exchange itself says. One
 * suite over every database.
 */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { formatDecimal, parseDecimal } from '../../src/market/decimal.ts';
import { describeWithCaptures } from '../captures.ts';
import { binanceAck, startFeed } from './feed.ts';
import { inDirectory, mdp, query, startMdp, until, type Environment, type Rows } from './mdp.ts';
import {
  btcusdt2024,
  klines2021,
  runningKlines,
  xrpeth,
  xrpethBars,
  type Oracle,
} from './oracle-data.ts';

/** Gives a fresh, empty database for one run, as environment of the executable. */
export type FreshDatabase = () => Promise<{
  readonly environment: Environment;
  drop(): Promise<void>;
}>;

/** Everything that a run left in the database, by view. */
export type Dump = {
  readonly trades: Rows;
  readonly quotes: Rows;
  readonly bars: Rows;
  readonly gaps: Rows;
};

const MINUTE = 60_000;

/** Registers the suite. The result gives the replay of an oracle that its tests compare with. */
export const describeOracles = (
  database: string,
  fresh: FreshDatabase,
): ((of: () => Oracle) => Promise<Dump>) => {
  const dumps = new Map<() => Oracle, Promise<Dump>>();
  const replayOf = (of: () => Oracle): Promise<Dump> => {
    const dump = dumps.get(of) ?? replay(of(), fresh);
    dumps.set(of, dump);
    return dump;
  };
  describeWithCaptures(`${database}: real Binance data`, () => {
    const aggregates = { trades: 'aggTrade', channels: ['trades'] };

    test(
      'XRPETH gives 3456 of 3456 of the exchange’s own bars, live and replayed alike',
      async () => {
        const oracle = xrpeth();
        const live = await played(oracle, aggregates, fresh);
        expect(matchingBars(live.bars)).toBe(3456);
        const replayed = await replayOf(xrpeth);
        expect(matchingBars(replayed.bars)).toBe(3456);
        expectAlike(live, replayed);
      },
      5 * MINUTE,
    );

    test(
      '2021-04-04 stores every trade once and agrees with 101 of 101 running klines',
      async () => {
        const oracle = klines2021();
        const live = await played(oracle, aggregates, fresh);
        expect(live.trades.length).toBe(1910);
        expect(agreeingKlines(live.trades)).toEqual({ agree: 101, of: 101 });
        const replayed = await replayOf(klines2021);
        expect(agreeingKlines(replayed.trades)).toEqual({ agree: 101, of: 101 });
        expectAlike(live, replayed);
      },
      5 * MINUTE,
    );

    test(
      'BTCUSDT over midnight keeps all 19,904 trades, contiguous, and two replays are identical',
      async () => {
        const oracle = btcusdt2024();
        const live = await played(oracle, {}, fresh);
        expectContiguous(live.trades);
        const replayed = await replayOf(btcusdt2024);
        expectContiguous(replayed.trades);
        expectAlike(live, replayed);
        const again = await replay(oracle, fresh);
        expect(sorted(again).join('\n') === sorted(replayed).join('\n')).toBe(true);
      },
      5 * MINUTE,
    );
  });
  return replayOf;
};

const played = async (
  oracle: Oracle,
  options: Readonly<Record<string, unknown>>,
  fresh: FreshDatabase,
): Promise<Dump> => {
  const database = await fresh();
  const { environment } = database;
  const feed = startFeed({ frames: oracle.frames, acknowledge: binanceAck });
  const source = { type: 'binance', symbols: oracle.symbols, url: feed.url, ...options };
  const env = {
    ...environment,
    ...oracle.environment,
    PIPELINE_SOURCES: JSON.stringify([source]),
    PIPELINE_OPERATORS_VALIDATE_MAX_AGE_MS: '0',
    PIPELINE_DROP_POLICY: 'block',
  };
  try {
    return await inDirectory(async (directory) => {
      const run = await startMdp(directory, env);
      await feed.played;
      const all = oracle.frames.length;
      await until(
        () => run.status(),
        ({ ledger }) =>
          (ledger.frames['decoded'] ?? 0) +
            (ledger.frames['control'] ?? 0) +
            (ledger.frames['undecodable'] ?? 0) >=
          all,
      );
      expect((await run.status()).ledger.balanced).toBe(true);
      expect(await run.stop()).toBe(0);
      return dump(directory, oracle.symbols, env);
    });
  } finally {
    await feed.stop();
    await database.drop();
  }
};

const replay = async (oracle: Oracle, fresh: FreshDatabase): Promise<Dump> => {
  const database = await fresh();
  const { environment } = database;
  const env = { ...environment, ...oracle.environment };
  try {
    return await inDirectory(async (directory) => {
      const form = oracle.lines[0]?.startsWith('{') === true ? 'ws-oracle.ndjson' : 'hft-oracle';
      await Bun.write(join(directory, form), `${oracle.lines.join('\n')}\n`);
      const { code, stderr } = await mdp(directory, ['replay', form, '--venue', 'binance'], env);
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      return dump(directory, oracle.symbols, env);
    });
  } finally {
    await database.drop();
  }
};

const dump = async (
  directory: string,
  symbols: readonly string[],
  env: Environment,
): Promise<Dump> => {
  const all = { trades: [] as Rows, quotes: [] as Rows, bars: [] as Rows, gaps: [] as Rows };
  for (const symbol of symbols) {
    for (const kind of ['trades', 'quotes', 'bars', 'gaps'] as const) {
      all[kind] = [...all[kind], ...(await query(directory, kind, symbol, env))];
    }
  }
  return all;
};

/** A dump as lines in one order: two runs that left the same have the same text. */
export const sorted = (of: Dump): readonly string[] =>
  Object.values(of).flatMap((rows: Rows) => rows.map((row) => JSON.stringify(row)).toSorted());

const canonical = (text: unknown): string => {
  const decimal = parseDecimal(String(text));
  return decimal === undefined ? `not a number: ${String(text)}` : formatDecimal(decimal);
};

/**
 * How many of the exchange's 1m and 5m bars stand in `bars` with the same open, high, low, close
 * and volume.
 */
const matchingBars = (bars: Rows): number => {
  const stored = new Map(bars.map((bar) => [`${bar['timeframe']} ${bar['ts']}`, bar]));
  const fields = ['open', 'high', 'low', 'close', 'volume'];
  let matching = 0;
  for (const timeframe of ['1m', '5m'] as const) {
    for (const [openTime, ...values] of xrpethBars(timeframe)) {
      const ts = new Date(Number(openTime)).toISOString().replace('Z', '000Z');
      const bar = stored.get(`${timeframe} ${ts}`);
      if (bar === undefined) continue;
      if (fields.every((field, i) => bar[field] === canonical(values[i]))) matching += 1;
    }
  }
  return matching;
};

/** Holds every checkable running kline against the stored trades in its id range. */
const agreeingKlines = (trades: Rows): { agree: number; of: number } => {
  const last = new Map<string, Readonly<Record<string, string>>>();
  let agree = 0;
  let of = 0;
  for (const kline of runningKlines()) {
    const key = `${kline['symbol']} ${kline['open_time_ms']}`;
    const before = last.get(key);
    last.set(key, kline);
    if (kline['checkable'] === '') continue;
    of += 1;
    if (agrees(kline, kline['checkable'] === 'delta' ? before : undefined, trades)) agree += 1;
  }
  return { agree, of };
};

/** A decimal of at most eight places, in units of 1e-8. */
const eights = (text: unknown): bigint => {
  const [whole = '0', part = ''] = canonical(text).split('.');
  return BigInt(whole + part.padEnd(8, '0'));
};

const agrees = (
  kline: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>> | undefined,
  trades: Rows,
): boolean => {
  const from =
    before === undefined ? Number(kline['first_trade_id']) : Number(before['last_trade_id']) + 1;
  const to = Number(kline['last_trade_id']);
  const inside = trades.filter(
    (trade) =>
      trade['symbol'] === kline['symbol'] &&
      Number(trade['first_id']) >= from &&
      Number(trade['last_id']) <= to,
  );
  const prices = inside.map((trade) => String(trade['price']));
  const covered = inside.reduce((n, t) => n + Number(t['last_id']) - Number(t['first_id']) + 1, 0);
  const highs = before === undefined ? prices : [...prices, before['high']];
  const lows = before === undefined ? prices : [...prices, before['low']];
  const volumes = [...inside.map((trade) => String(trade['size'])), before?.['volume'] ?? '0'];
  const extreme = (values: readonly unknown[], sign: bigint): bigint =>
    values.map(eights).reduce((a, b) => ((b - a) * sign > 0n ? b : a));
  return (
    covered === to - from + 1 &&
    extreme(highs, 1n) === eights(kline['high']) &&
    extreme(lows, -1n) === eights(kline['low']) &&
    eights(prices.at(-1)) === eights(kline['close']) &&
    eights(before?.['open'] ?? prices[0]) === eights(kline['open']) &&
    volumes.map(eights).reduce((a, b) => a + b, 0n) === eights(kline['volume'])
  );
};

const expectContiguous = (trades: Rows): void => {
  expect(trades.length).toBe(19_904);
  const ids = trades.map((trade) => Number(trade['trade_id'])).toSorted((a, b) => a - b);
  expect(ids[0]).toBe(3735683259);
  expect(ids.at(-1)).toBe(3735703162);
  expect(new Set(ids).size).toBe(19_904);
};

/**
 * Live and replayed rows agree in every column but the times at which they were received and found,
 * the revision, and whether the first and last bars are complete. Binance's quotes have no time but
 * the receive time.
 */
const expectAlike = (live: Dump, replayed: Dump): void => {
  const one = comparable(live);
  const other = new Set(comparable(replayed));
  expect({ rows: one.length, differ: one.filter((row) => !other.has(row)).slice(0, 3) }).toEqual({
    rows: other.size,
    differ: [],
  });
};

const without = (row: Rows[number], names: readonly string[]): string =>
  JSON.stringify(Object.entries(row).filter(([name]) => !names.includes(name)));

const comparable = (of: Dump): readonly string[] => {
  const edges = edgeBars(of.bars);
  const trades = of.trades.map((row) => without(row, ['receive_ts']));
  const quotes = of.quotes.map((row) => without(row, ['receive_ts', 'ts']));
  const gaps = of.gaps.map((row) => without(row, ['detected_at', 'filled_at']));
  const bars = of.bars.map((bar) =>
    without(bar, edges.has(bar) ? ['revision', 'complete'] : ['revision']),
  );
  return [...trades, ...quotes, ...gaps, ...bars].toSorted();
};

const edgeBars = (bars: Rows): ReadonlySet<Rows[number]> => {
  const series = Map.groupBy(bars, (bar) => `${bar['symbol']} ${bar['timeframe']}`);
  const edges = new Set<Rows[number]>();
  for (const rows of series.values()) {
    const ordered = rows.toSorted((a, b) => String(a['ts']).localeCompare(String(b['ts'])));
    for (const bar of [ordered[0], ordered.at(-1)]) if (bar !== undefined) edges.add(bar);
  }
  return edges;
};
