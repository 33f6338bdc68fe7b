/**
 * A streaming standby is promoted while the executable writes with both hosts in its URL: it goes
 * on without a restart, and what the first server had not acknowledged is on the second one. What
 * asynchronous replication lost is known, and comes back from the journal.
 */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { postgresBinaries } from '../postgres/binaries.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { inDirectory, mdp, startMdp, until, type Environment, type Running } from './mdp.ts';

const replicated = { wal_level: 'replica', max_wal_senders: '4' };

const canCopy = (): boolean => {
  if (existsSync(join(postgresBinaries().dir, 'pg_basebackup'))) return true;
  console.warn('SKIPPED, this PostgreSQL came without pg_basebackup');
  return false;
};

const failing = test.skipIf(!canCopy());

const committed = async (run: Running): Promise<number> =>
  (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;

const commitsMore = async (run: Running, trades: number): Promise<void> => {
  const before = await committed(run);
  await until(
    () => committed(run),
    (now) => now > before + trades,
    40_000,
  );
};

const idsOn = async (server: PrivateServer): Promise<ReadonlySet<number>> => {
  const rows = await execute(server.url(), 'select trade_id::int8::text as id from mdp.trade');
  return new Set(rows.map(({ id }) => Number(id)));
};

/** Ids between the first and the last one that are not there. */
const missingOf = (ids: ReadonlySet<number>): readonly number[] => {
  const first = Math.min(...ids);
  const length = Math.max(...ids) - first + 1;
  return Array.from({ length }, (_, index) => first + index).filter((id) => !ids.has(id));
};

type Pair = { readonly primary: PrivateServer; readonly standby: PrivateServer };

const withPair = async (
  use: (pair: Pair, env: Environment, directory: string) => Promise<void>,
) => {
  const primary = await PrivateServer.start({ settings: replicated });
  const standby = await PrivateServer.standbyOf(primary);
  const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
  const env = {
    DATABASE_URL: `postgres://postgres@${hosts}/postgres`,
    PIPELINE_SOURCES: JSON.stringify([
      { type: 'synthetic', symbols: ['SYN-001'], channels: ['trades'], rate: 2000 },
    ]),
  };
  try {
    await inDirectory((directory) => use({ primary, standby }, env, directory));
  } finally {
    await primary.remove();
    await standby.remove();
  }
};

/** The first server dies as by a power cut, and the second one takes its place. */
const failOver = async ({ primary, standby }: Pair, run: Running): Promise<void> => {
  await primary.kill();
  if (!standby.running) await standby.start();
  await standby.promote();
  await commitsMore(run, 1000);
};

failing('with synchronous replication nothing is lost when the standby is promoted', () =>
  withPair(async (pair, env, directory) => {
    const run = await startMdp(directory, env);
    await commitsMore(run, 1000);
    await execute(pair.primary.url(), `alter system set synchronous_standby_names = '*'`);
    await execute(pair.primary.url(), 'select pg_reload_conf()');
    await commitsMore(run, 1000);
    await failOver(pair, run);
    expect((await run.health()).status).not.toBe('unhealthy');
    expect(await run.stop()).toBe(0);
    const ids = await idsOn(pair.standby);
    expect(ids.size).toBeGreaterThan(3000);
    expect(missingOf(ids)).toEqual([]);
  }),
);

failing('with asynchronous replication only what it had not sent is lost, until a replay', () =>
  withPair(async (pair, env, directory) => {
    const run = await startMdp(directory, env);
    await commitsMore(run, 1000);
    await pair.standby.stop();
    await commitsMore(run, 1000);
    await failOver(pair, run);
    expect(await run.stop()).toBe(0);
    const missing = missingOf(await idsOn(pair.standby));
    expect(missing.length).toBeGreaterThan(500);
    await pair.primary.start();
    const acknowledged = await idsOn(pair.primary);
    expect(missing.filter((id) => !acknowledged.has(id))).toEqual([]);
    await pair.primary.stop();
    const replayed = await mdp(directory, ['replay', 'data/journal'], env);
    expect(replayed).toMatchObject({ code: 0 });
    expect(missingOf(await idsOn(pair.standby))).toEqual([]);
  }),
);
