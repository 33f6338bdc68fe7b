/**
 * The executable under a live feed while its PostgreSQL is killed, stopped, frozen and made
 * read-only: nothing that was in memory is lost or doubled, no restart is needed, and health tells
 * the truth during and after.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { PrivateServer, execute } from '../postgres/server.ts';
import { binanceAck, startFeed, type Feed } from './feed.ts';
import { inDirectory, startMdp, until, type Running } from './mdp.ts';

const OUTAGE_MS = Number(process.env['OUTAGE_MS'] ?? 4000);
const EVERY_MS = 20;
const PER_BURST = 20;

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
}, 60_000);

afterAll(() => server.remove());

const frameOf = (id: number): string => {
  const now = Date.now();
  const trade = {
    e: 'trade',
    E: now,
    s: 'BTCUSDT',
    t: id,
    p: '60000.5',
    q: '0.01',
    T: now,
    m: true,
  };
  return JSON.stringify({ stream: 'btcusdt@trade', data: trade });
};

/** A feed that goes on until it is stopped; gives the number of trades sent. */
const playOn = (feed: Feed): (() => Promise<number>) => {
  let id = 0;
  let sending = Promise.resolve();
  const timer = setInterval(() => {
    const burst = Array.from({ length: PER_BURST }, () => frameOf(++id));
    sending = sending.then(() => feed.send(burst));
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await sending;
    return id;
  };
};

const sinkState = async (run: Running): Promise<string | undefined> =>
  (await run.health()).entries.find(({ kind }) => kind === 'sink')?.status;

type Fault = {
  readonly name: string;
  /** Breaks the server for as long as the test lasts; resolves when it is whole again. */
  readonly strike: () => Promise<void>;
  /** Whether health must have told of it. */
  readonly felt: boolean;
};

const killBackends = async (): Promise<void> => {
  const sql = `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'mdp'`;
  let killed = 0;
  for (let round = 0; round < 20; round += 1) {
    killed += (await execute(server.url(), sql)).length;
    await Bun.sleep(100);
  }
  expect(killed).toBeGreaterThanOrEqual(20);
};

const away = async (begin: () => Promise<void>, end: () => Promise<void>): Promise<void> => {
  await begin();
  await Bun.sleep(OUTAGE_MS);
  await end();
};

const faults: readonly Fault[] = [
  { name: 'twenty rounds of killed backends', strike: killBackends, felt: false },
  {
    name: 'a server that is stopped',
    strike: () =>
      away(
        () => server.stop(),
        () => server.start(),
      ),
    felt: true,
  },
  {
    name: 'a server that crashes',
    strike: () =>
      away(
        () => server.kill(),
        () => server.start(),
      ),
    felt: true,
  },
  {
    name: 'a server that has become read-only',
    strike: () =>
      away(
        () => server.setReadOnly(true),
        () => server.setReadOnly(false),
      ),
    felt: true,
  },
  {
    name: 'a server that is frozen and thaws',
    strike: () =>
      away(
        () => Promise.resolve(server.freeze()),
        () => Promise.resolve(server.thaw()),
      ),
    felt: false,
  },
];

for (const { name, strike, felt } of faults) {
  test(
    `loses and doubles nothing through ${name}, and health tells it`,
    () =>
      inDirectory(async (directory) => {
        const database = `outage_${name.replaceAll(/\W/g, '_')}`;
        await execute(server.url(), `create database ${database}`);
        const feed = startFeed({ frames: [], acknowledge: binanceAck });
        const source = {
          type: 'binance',
          symbols: ['BTCUSDT'],
          channels: ['trades'],
          url: feed.url,
        };
        const run = await startMdp(directory, {
          DATABASE_URL: server.url(database),
          PIPELINE_SOURCES: JSON.stringify([source]),
        });
        await feed.played;
        const stopPlaying = playOn(feed);
        await until(
          () => sinkState(run),
          (state) => state === 'healthy',
        );
        const states = new Set<string | undefined>();
        const watching = setInterval(() => {
          void sinkState(run).then((state) => states.add(state));
        }, 100);
        await strike();
        await until(
          () => sinkState(run),
          (state) => state === 'healthy',
          60_000,
        );
        await Bun.sleep(500);
        clearInterval(watching);
        const sent = await stopPlaying();
        await until(
          () => run.status(),
          ({ ledger }) =>
            (ledger.rows['trade']?.['committed'] ?? 0) +
              (ledger.rows['trade']?.['alreadyThere'] ?? 0) >=
            sent,
          60_000,
        );
        expect((await run.status()).ledger.balanced).toBe(true);
        expect(await run.stop()).toBe(0);
        await feed.stop();
        const [row] = await execute(
          server.url(database),
          `select count(*)::int as n, count(distinct trade_id)::int as ids,
             max(trade_id)::int as last from mdp.trades`,
        );
        expect(row).toEqual({ n: sent, ids: sent, last: sent });
        const [gaps] = await execute(
          server.url(database),
          'select count(*)::int as n from mdp.gaps',
        );
        expect(gaps).toEqual({ n: 0 });
        if (felt) expect(states).toContain('degraded');
        expect(run.log()).not.toContain('Unhandled');
      }),
    180_000,
  );
}
