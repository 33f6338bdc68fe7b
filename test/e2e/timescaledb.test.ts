/**
 * The executable into TimescaleDB: policies as the configuration has them today, and rows that come
 * when their chunk has been compressed, with SQLite beside it. Skipped, aloud, where the machine's
 * PostgreSQL has no TimescaleDB.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { PrivateServer, execute } from '../postgres/server.ts';
import { hasTimescale, timescaleSettings } from '../postgres/timescaledb.ts';
import { inDirectory, mdp, query, startMdp, until, type Environment } from './mdp.ts';

const available = await hasTimescale();
const timescale = test.skipIf(!available);
const dayMs = 86_400_000;
const start = Math.floor(Date.now() / dayMs) * dayMs - 20 * dayMs;

let server: PrivateServer;

beforeAll(async () => {
  if (available) server = await PrivateServer.start({ settings: timescaleSettings });
}, 60_000);

afterAll(async () => {
  if (available) await server.remove();
});

/** One line of a recording: a trade a minute, from `start` on. */
const lineOf = (id: number): string => {
  const at = start + id * 60_000;
  const data = { e: 'trade', E: at, s: 'BTCUSDT', t: id, p: '60000.5', q: '0.1', T: at, m: true };
  return `${(at + 5) * 1_000_000} ${JSON.stringify({ stream: 'btcusdt@trade', data })}`;
};

const lines = (ids: readonly number[]): string => `${ids.map(lineOf).join('\n')}\n`;

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

const replay = async (directory: string, text: string, env: Environment): Promise<void> => {
  await Bun.write(join(directory, 'feed'), text);
  const done = await mdp(directory, ['replay', 'feed', '--venue', 'binance'], env);
  expect(done).toMatchObject({ code: 0 });
};

const read = async (directory: string, env: Environment): Promise<unknown> => ({
  trades: await query(directory, 'trades', 'BTCUSDT', env),
  bars: await query(directory, 'bars', 'BTCUSDT', env),
  gaps: (await query(directory, 'gaps', 'BTCUSDT', env)).map(({ from_id, to_id, missing }) => ({
    from_id,
    to_id,
    missing,
  })),
});

const databaseOf = async (name: string): Promise<string> => {
  await execute(server.url(), `create database ${name}`);
  return server.url(name);
};

timescale(
  'takes late rows, copies and revised bars into compressed chunks, as SQLite does',
  () =>
    inDirectory(async (directory) => {
      const url = await databaseOf('compressed');
      // The rows are old: the policy must not compress them in the middle of it.
      const databases: readonly Environment[] = [
        { DATABASE_URL: url, PIPELINE_DATABASE_COMPRESS_AFTER: '36500d' },
        { DATABASE_URL: 'sqlite:./mdp.db' },
      ];
      const first = range(1, 3_000).filter((id) => id % 500 !== 0);
      const rest = range(1, 3_500);
      const answers: unknown[] = [];
      for (const env of databases) {
        await replay(directory, lines(first), env);
        if (env.DATABASE_URL === url) {
          for (const table of ['trade', 'bar']) {
            const sql = `select compress_chunk(c) as chunk from show_chunks('mdp.${table}') c`;
            expect((await execute(url, sql)).length).toBeGreaterThan(0);
          }
        }
        await replay(directory, lines(rest), env);
        answers.push(await read(directory, env));
      }
      const [there, here] = answers;
      expect(there).toEqual(here);
      const [count] = await execute(
        url,
        'select count(*)::int as n, count(distinct trade_id)::int as ids from mdp.trades',
      );
      expect(count).toEqual({ n: 3_499, ids: 3_499 });
    }),
  120_000,
);

type Policies = readonly (readonly [name: string, config: string])[];

const policiesOf = async (url: string): Promise<Policies> => {
  const rows = await execute(
    url,
    `select proc_name as name, coalesce(config->>'drop_after', config->>'compress_after') as age
     from timescaledb_information.jobs
     where hypertable_schema = 'mdp' and hypertable_name = 'trade' order by 1`,
  );
  return rows.map(({ name, age }) => [String(name), String(age)]);
};

/** Runs until the policies are these. */
const expectPolicies = async (
  directory: string,
  env: Environment,
  wanted: Policies,
): Promise<void> => {
  const run = await startMdp(directory, env);
  const url = env['DATABASE_URL'] ?? '';
  await until(
    () => policiesOf(url).catch(() => []),
    (policies) => Bun.deepEquals(policies, wanted),
  );
  expect(await run.stop()).toBe(0);
};

timescale(
  'sets the policies anew when the configuration has changed, and they do their work',
  () =>
    inDirectory(async (directory) => {
      const url = await databaseOf('policies');
      const env = { DATABASE_URL: url, PIPELINE_SOURCES: '[{"type":"synthetic","symbols":["A"]}]' };
      await replay(directory, lines(range(1, 3_000)), env);
      const kept = { ...env, PIPELINE_DATABASE_COMPRESS_AFTER: '12h' };
      await expectPolicies(directory, kept, [['policy_compression', '12:00:00']]);
      const dropped = { ...kept, PIPELINE_DATABASE_RETENTION: '10d' };
      await expectPolicies(directory, dropped, [
        ['policy_compression', '12:00:00'],
        ['policy_retention', '240:00:00'],
      ]);
      const jobs = await execute(
        url,
        `select job_id from timescaledb_information.jobs
       where hypertable_schema = 'mdp' and proc_name = 'policy_retention'`,
      );
      expect(jobs).toHaveLength(3);
      for (const { job_id } of jobs) await execute(url, `call run_job(${Number(job_id)})`);
      const old = "select count(*)::int as n from mdp.trades where symbol = 'BTCUSDT'";
      expect(await execute(url, old)).toEqual([{ n: 0 }]);
      expect(await query(directory, 'trades', 'BTCUSDT', env)).toEqual([]);
    }),
  120_000,
);

timescale('prints a script that makes hypertables', () =>
  inDirectory(async (directory) => {
    const url = await databaseOf('printed');
    const script = await mdp(directory, ['migrate', '--print', '--timescaledb'], {
      DATABASE_URL: url,
    });
    await execute(url, script.stdout);
    const tables = await execute(url, 'select from timescaledb_information.hypertables');
    expect(tables).toHaveLength(3);
    expect((await mdp(directory, ['migrate'], { DATABASE_URL: url })).code).toBe(0);
  }),
);
