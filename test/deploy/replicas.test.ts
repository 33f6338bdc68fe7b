/** What the manifests promise of several pods at one database: twins agree, shards share. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { binanceAck, startFeed } from '../e2e/feed.ts';
import { inDirectory, startMdp, until, type Running } from '../e2e/mdp.ts';
import { execute, PrivateServer } from '../postgres/server.ts';

const TRADES = 2000;
const START = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT', 'DOTUSDT'];

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
}, 60_000);

afterAll(() => server.remove());

/** Trade `id` of a symbol: 20 a second, so that bars of a second hold several. */
const frameOf = (symbol: string, id: number): string => {
  const at = START + id * 50;
  const data = {
    e: 'trade',
    E: at,
    s: symbol,
    t: id,
    p: `${100 + (id % 7)}.5`,
    q: '0.25',
    T: at,
    m: true,
  };
  return JSON.stringify({ stream: `${symbol.toLowerCase()}@trade`, data });
};

const idsFrom = (first: number): readonly number[] =>
  Array.from({ length: TRADES }, (_, index) => first + index);

const source = (url: string, symbols: readonly string[]) =>
  JSON.stringify([{ type: 'binance', symbols, channels: ['trades'], url }]);

const rows = (database: string, sql: string) => execute(server.url(database), sql);

const committed = async (run: Running): Promise<number> =>
  (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;

const decoded = async (run: Running): Promise<number> =>
  (await run.status()).ledger.rows['trade']?.['decoded'] ?? 0;

const whole = (run: Running, trades: number): Promise<number> =>
  until(
    () => decoded(run),
    (count) => count >= trades,
  );

test("twins keep one copy of each trade, agree on its bars, and fill each other's holes", () =>
  inDirectory(async (directory) => {
    await rows('postgres', 'create database twins');
    const feeds = [1, 2].map(() => startFeed({ frames: [], acknowledge: binanceAck }));
    const runs = await Promise.all(
      feeds.map(({ url }) =>
        startMdp(directory, {
          DATABASE_URL: server.url('twins'),
          PIPELINE_SOURCES: source(url, ['BTCUSDT']),
          PIPELINE_DATABASE_STORE: 'trades,bars',
          PIPELINE_JOURNAL_ENABLED: 'false',
          PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1s',
        }),
      ),
    );
    await Promise.all(feeds.map(({ played }) => played));
    const all = idsFrom(1);
    const misses = (twin: number, id: number): boolean => Math.floor(id / 100) % 10 === twin;
    await Promise.all(
      feeds.map((feed, twin) =>
        feed.send(all.filter((id) => !misses(twin, id)).map((id) => frameOf('BTCUSDT', id))),
      ),
    );
    await Promise.all(
      runs.map((run, twin) => whole(run, all.filter((id) => !misses(twin, id)).length)),
    );
    // With trades committed the tables are there to be asked.
    await Promise.all(
      runs.map((run) =>
        until(
          () => committed(run),
          (count) => count > 0,
        ),
      ),
    );
    const gaps = await until(
      () => rows('twins', 'select from_id::int as id, missing::int, filled_at from mdp.gaps'),
      (each) => each.length === 3 && each.every((gap) => gap['filled_at'] !== null),
    );
    const found = gaps.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
    expect({ found, lack: gaps.filter(({ missing }) => missing !== 0) }).toEqual({
      found: [100, 1000, 1100],
      lack: [],
    });
    for (const run of runs) expect(await run.stop()).toBe(0);
    await Promise.all(feeds.map((feed) => feed.stop()));
    const [stored] = await rows(
      'twins',
      'select count(*)::int as n, count(distinct trade_id)::int as ids from mdp.trades',
    );
    expect(stored).toEqual({ n: TRADES, ids: TRADES });
    const wrong = await rows(
      'twins',
      `select b.ts, b.trade_count, t.n from mdp.bars b join
         (select date_trunc('second', ts) as ts, count(*) as n from mdp.trades group by 1) t
         on t.ts = b.ts where b.trade_count <> t.n`,
    );
    expect(wrong).toEqual([]);
    const [bars] = await rows('twins', 'select count(*)::int as n from mdp.bars');
    expect(bars?.['n']).toBe(TRADES / 20 + 1);
  }));

test('shards take every symbol, and each symbol is taken by one of them', () =>
  inDirectory(async (directory) => {
    await rows('postgres', 'create database shards');
    const feed = startFeed({ frames: [], acknowledge: binanceAck });
    const runs = await Promise.all(
      ['0', '1', '2'].map((index) =>
        startMdp(directory, {
          DATABASE_URL: server.url('shards'),
          PIPELINE_SOURCES: source(feed.url, SYMBOLS),
          PIPELINE_JOURNAL_ENABLED: 'false',
          PIPELINE_SHARD_INDEX: index,
          PIPELINE_SHARD_COUNT: '3',
        }),
      ),
    );
    const taken = await Promise.all(
      runs.map(async (run) => {
        const text = await (await run.get('/metrics')).text();
        return SYMBOLS.filter((symbol) => text.includes(`symbol="${symbol}"`));
      }),
    );
    expect(taken.flat().toSorted()).toEqual(SYMBOLS.toSorted());
    expect(taken.filter((symbols) => symbols.length > 0).length).toBeGreaterThan(1);
    for (const run of runs) expect(await run.stop()).toBe(0);
    await feed.stop();
  }));
