/**
 * The executable under a live feed while its PostgreSQL is killed, stopped, frozen, filled, locked
 * and taken apart: nothing that was in memory is lost or doubled, no restart is needed, and health
 * tells the truth during and after.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { PrivateServer, execute } from '../postgres/server.ts';
import { binanceAck, startFeed, type Feed } from './feed.ts';
import { disks, faults } from './postgres-faults.ts';
import { inDirectory, startMdp, until, type Running } from './mdp.ts';

const EVERY_MS = 20;
const PER_BURST = 20;

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
  // No superuser, whom neither a grant nor a limit would stop.
  await execute(server.url(), 'create role writer login');
}, 60_000);

afterAll(async () => {
  await server.remove();
  for (const disk of disks) disk.remove();
}, 60_000);

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

/** `healthy`, or another state with its reason behind it. */
const sinkState = async (run: Running): Promise<string> => {
  const entry = (await run.health()).entries.find(({ kind }) => kind === 'sink');
  return `${entry?.status} ${entry?.reason ?? ''}`.trim();
};

for (const { name, strike, felt, sqlstate } of faults) {
  test(
    `loses and doubles nothing through ${name}, and health tells it`,
    () =>
      inDirectory(async (directory) => {
        const database = `outage_${name.replaceAll(/\W/g, '_')}`;
        await execute(server.url(), `create database ${database} owner writer`);
        const feed = startFeed({ frames: [], acknowledge: binanceAck });
        const source = {
          type: 'binance',
          symbols: ['BTCUSDT'],
          channels: ['trades'],
          url: feed.url,
        };
        const run = await startMdp(directory, {
          DATABASE_URL: server.url(database).replace('postgres@', 'writer@'),
          PIPELINE_SOURCES: JSON.stringify([source]),
        });
        await feed.played;
        const stopPlaying = playOn(feed);
        await until(
          () => run.status(),
          ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) > 0,
        );
        const states = new Set<string>();
        const watching = setInterval(() => {
          void sinkState(run).then((state) => states.add(state));
        }, 100);
        await strike(server, server.url(database));
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
        const told = [...states].filter((state) => state.startsWith('degraded')).join('\n');
        if (felt) expect(told).not.toBe('');
        if (sqlstate !== undefined) expect(told).toContain(`SQLSTATE ${sqlstate}`);
        expect(run.log()).not.toContain('Unhandled');
      }),
    180_000,
  );
}
