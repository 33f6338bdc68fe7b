/** scripts/backup.sh beside the running executable, restored elsewhere: nothing is missing. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from '../e2e/binary.ts';
import {
  inDirectory,
  mdp,
  query,
  startMdp,
  until,
  type Environment,
  type Running,
} from '../e2e/mdp.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { repository } from './dockerfile.ts';
import { has, ran, succeeds } from './tools.ts';

const backup = join(repository, 'scripts/backup.sh');
const SYMBOL = 'SYN-001';

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
  await execute(server.url(), `create role "o'mdp" superuser login password 'p@ss%word'`);
  await server.requirePassword(`"o'mdp"`);
});

afterAll(() => server.remove());

const LOUD = 2000;
/** Nothing new: what a restored program has, it has from the backup. */
const SILENT = 0.01;

/** A place for everything that one program keeps, and how much it hears a second. */
const place = (directory: string, name: string, url: string, rate: number): Environment => ({
  PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', symbols: [SYMBOL], rate }]),
  DATABASE_URL: url,
  PIPELINE_JOURNAL_DIR: join(directory, name, 'journal'),
});

const script = (env: Environment) => ({ ...env, MDP: binary() });

const tradesOf = async (
  directory: string,
  env: Environment,
): Promise<ReadonlyMap<string, string>> =>
  new Map(
    (await query(directory, 'trades', SYMBOL, env)).map((row) => [
      String(row['trade_id']),
      JSON.stringify(row),
    ]),
  );

/** `stored`: committed now, or found there already. */
type Counts = { readonly decoded: number; readonly stored: number };

const countsOf = async (run: Running): Promise<Counts> => {
  const { trade = {} } = (await run.status()).ledger.rows;
  const { decoded = 0, committed = 0, alreadyThere: there = 0 } = trade;
  return { decoded, stored: committed + there };
};

/**
 * Saves while the program writes and `isTime`, kills it, restores elsewhere and goes on there. What
 * had been received before the backup is then there, committed by then or not.
 */
const survive = async (
  directory: string,
  [from, to]: readonly [Environment, Environment],
  isTime: (counts: Counts) => boolean,
): Promise<string> => {
  // Its end writes the checkpoint that the next run begins with.
  expect(await (await startMdp(directory, from)).stop()).toBe(0);
  const run = await startMdp(directory, from);
  const { decoded } = await until(() => countsOf(run), isTime);
  const saved = join(directory, 'saved');
  const before = await tradesOf(directory, from);
  await succeeds([backup, 'save', saved], script(from));
  run.signal('SIGKILL');
  await run.exited;
  await succeeds([backup, 'restore', saved], script(to));
  const next = await startMdp(directory, to);
  await until(
    () => countsOf(next),
    ({ stored }) => stored >= decoded,
  );
  expect(await next.stop()).toBe(0);
  const restored = await tradesOf(directory, to);
  for (const [id, row] of before) expect(restored.get(id)).toBe(row);
  expect(restored.size).toBeGreaterThanOrEqual(decoded);
  const { code, stdout } = await mdp(directory, ['doctor'], { ...to, PIPELINE_HTTP_PORT: '0' });
  expect({ code, fails: stdout.includes('fail') }).toEqual({ code: 0, fails: false });
  return saved;
};

describe.skipIf(!has('pg_dump', 'postgresql-client'))('PostgreSQL', () => {
  test('is saved while it is written, and restored into another database', () =>
    inDirectory(async (directory) => {
      await execute(server.url(), 'create database one');
      await execute(server.url(), 'create database two');
      const url = (name: string): string =>
        server.url(name).replace('postgres@', `o'mdp:p%40ss%25word@`);
      const [from, to] = [
        place(directory, 'a', url('one'), LOUD),
        place(directory, 'b', url('two'), SILENT),
      ];
      await inDirectory((empty) => mdp(empty, ['migrate'], from));
      // Nothing can be committed meanwhile: what comes is in the journal alone.
      const lock = 'begin; lock table mdp.trade in exclusive mode; select pg_sleep(5); commit';
      let held: Promise<unknown> | undefined;
      const saved = await survive(directory, [from, to], ({ decoded, stored }) => {
        if (stored > 1000) held ??= execute(server.url('one'), lock);
        return held !== undefined && decoded - stored > 2000;
      });
      await held;
      const again = await ran([backup, 'restore', saved], script(to));
      expect(again).toMatchObject({ code: 1 });
      expect(again.output).toContain('the database has a schema mdp already: nothing was done');
    }));
});

describe.skipIf(!has('sqlite3', 'sqlite3'))('SQLite', () => {
  test('is saved while it is written, and restored to another file', () =>
    inDirectory(async (directory) => {
      const at = (name: string, rate: number): Environment =>
        place(directory, name, `sqlite:${join(directory, name, 'mdp.db')}`, rate);
      const places = [at('a', LOUD), at('b', SILENT)] as const;
      const saved = await survive(directory, places, ({ stored }) => stored > 1000);
      const again = await ran([backup, 'restore', saved], script(places[1]));
      expect(again.output).toContain('is there already: nothing was done');
      expect(again.code).toBe(1);
    }));

  test('is not restored from a backup that was damaged', () =>
    inDirectory(async (directory) => {
      const env = place(directory, 'a', `sqlite:${join(directory, 'a/mdp.db')}`, LOUD);
      const run = await startMdp(directory, env);
      expect(await run.stop()).toBe(0);
      const saved = join(directory, 'saved');
      await succeeds([backup, 'save', saved], script(env));
      const bytes = readFileSync(join(saved, 'mdp.db'));
      bytes[5000] = (bytes[5000] ?? 0) ^ 0xff;
      writeFileSync(join(saved, 'mdp.db'), bytes);
      const elsewhere = place(directory, 'b', `sqlite:${join(directory, 'b/mdp.db')}`, LOUD);
      const refused = await ran([backup, 'restore', saved], script(elsewhere));
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.output).toContain('is damaged: nothing was done');
      expect(existsSync(join(directory, 'b'))).toBe(false);
    }));
});

test.each([
  [[], 'save or restore?'],
  [['save'], 'save needs a directory'],
  [['save', 'x', '--fast'], "unknown argument '--fast'"],
])('backup.sh refuses %p with the usage', async (args, reason) => {
  const { code, output } = await ran([backup, ...args]);
  expect(code).toBe(2);
  expect(output).toContain('usage: backup.sh save|restore DIR');
  expect(output).toContain(reason);
});
