import { afterEach, beforeEach, expect, test } from 'bun:test';
import { MdpError } from '../../src/runtime/errors.ts';
import { migrateSchema } from '../../src/sinks/postgres/migrate.ts';
import {
  migrations,
  migrationScript,
  type Migration,
} from '../../src/sinks/postgres/migrations.ts';
import { connectorOf, type PostgresSinkOptions } from '../../src/sinks/postgres/sink.ts';
import { commitHeld } from '../postgres/committing.ts';
import { createTestDatabase, type TestDatabase } from '../postgres/database.ts';
import { barBatch, makeBar, makeTrades, noon, tradeBatch } from '../postgres/rows.ts';
import { clock, collectingLog, makeSink, shortDeadlines } from '../postgres/sinks.ts';
import { tend } from '../../src/sinks/postgres/upkeep.ts';

const never = new AbortController().signal;
let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

/** The next release's schema: every trade gets a column that this release does not know. */
const next: Migration = {
  version: migrations.length + 1,
  name: 'venue_sequence',
  sql: 'alter table {schema}.trade add column sequence bigint not null default 0;',
  compatibleFrom: migrations.length,
};

async function migrateTo(all: readonly Migration[]): Promise<void> {
  const via = { url: database.url, schema: 'mdp', sslmode: undefined, sslCa: undefined, clock };
  const connector = await connectorOf({ ...via, deadlines: shortDeadlines });
  const session = await connector.open(never);
  await migrateSchema(session, 'mdp', collectingLog().log, never, all);
  await session.close();
}

async function openError(changes: Partial<PostgresSinkOptions> = {}): Promise<MdpError> {
  const sink = makeSink(database.url, changes);
  try {
    await sink.open(never);
  } catch (error) {
    if (error instanceof MdpError) return error;
    throw error;
  } finally {
    await sink.close();
  }
  throw new Error('the sink was expected to refuse');
}

test('migrates once when four programs start at the same moment', async () => {
  const sinks = Array.from({ length: 4 }, () => makeSink(database.url));
  const workers = await Promise.all(sinks.map((sink) => sink.open(never)));
  const batch = tradeBatch(makeTrades(0, 500));
  const outcomes = await Promise.all(workers.map((worker) => commitHeld(worker, batch)));
  const committed = outcomes.reduce((sum, outcome) => sum + outcome.committed.committed, 0);
  expect(committed).toBe(500);
  await Promise.all(sinks.map((sink) => sink.close()));
  const versions = await database.query('select version from mdp.schema_version order by 1');
  expect(versions).toEqual(migrations.map(({ version }) => ({ version })));
});

test('goes on writing, and opens again, while a newer program has already migrated', async () => {
  const sink = makeSink(database.url);
  const worker = await sink.open(never);
  const batches = Array.from({ length: 40 }, (_, index) =>
    tradeBatch(makeTrades(index * 500, 500)),
  );
  const writing = (async () => {
    for (const batch of batches) await commitHeld(worker, batch);
  })();
  await commitHeld(worker, barBatch([makeBar(0)]));
  await migrateTo([...migrations, next]);
  await writing;
  const another = await sink.open(never);
  await commitHeld(another, batches[0] ?? tradeBatch([]));
  await sink.close();
  const [row] = await database.query(
    'select count(*)::int as n, sum(sequence)::int as s from mdp.trade',
  );
  expect(row).toEqual({ n: 20_000, s: 0 });
}, 20_000);

test('refuses the schema of a newer program, and says what to do', async () => {
  await migrateTo(migrations);
  await database.query('update mdp.schema_version set version = version + 100');
  const refusal = await openError();
  expect(refusal).toMatchObject({ code: 'schema_newer', retry: false });
  expect(refusal.hint).toContain('newer version of mdp');
});

test('refuses an empty database where migrating is forbidden, until it is migrated', async () => {
  const refusal = await openError({ migrate: false });
  expect(refusal.code).toBe('schema_missing');
  expect(refusal.hint).toContain('mdp migrate');
  await migrateTo(migrations);
  const sink = makeSink(database.url, { migrate: false });
  await sink.open(never);
  await sink.close();
});

test('prints a script that makes the same schema', async () => {
  await database.query(
    migrationScript({ schema: 'mdp', storage: 'native', timescaleSchema: 'public' }),
  );
  const sink = makeSink(database.url, { migrate: false });
  const worker = await sink.open(never);
  expect((await commitHeld(worker, tradeBatch(makeTrades(0, 10)))).committed.committed).toBe(10);
  await sink.close();
});

test('works in a schema of any name, two of them in one database', async () => {
  const names = ['market data "1"', 'other'];
  for (const schema of names) {
    const sink = makeSink(database.url, { schema });
    const worker = await sink.open(never);
    const { committed } = await commitHeld(worker, tradeBatch(makeTrades(0, 10)));
    expect(committed.committed).toBe(10);
    await sink.close();
  }
});

test('makes tomorrow in advance, drops what retention has let go, and keeps the rest', async () => {
  await migrateTo(migrations);
  const sink = makeSink(database.url);
  const worker = await sink.open(never);
  await commitHeld(worker, tradeBatch(makeTrades(0, 10)));
  const day = 86_400_000;
  const later = { ...clock, now: () => noon + 10 * day * 1_000 };
  const via = { url: database.url, schema: 'mdp', sslmode: undefined, sslCa: undefined, clock };
  const options = {
    connector: await connectorOf(via),
    schema: 'mdp',
    storage: 'native',
    compressAfterMs: undefined,
    clock: later,
    log: collectingLog().log,
  } as const;
  await tend({ ...options, retentionMs: 11 * day }, never);
  expect(await partitionsOf('trade')).toContain('trade_20261123');
  expect(await partitionsOf('trade')).toContain('trade_20261204');
  await tend({ ...options, retentionMs: 9 * day }, never);
  expect(await partitionsOf('trade')).not.toContain('trade_20261123');
  expect((await commitHeld(worker, tradeBatch(makeTrades(0, 10)))).committed.committed).toBe(10);
  await sink.close();
});

async function partitionsOf(table: string): Promise<readonly unknown[]> {
  const rows = await database.query(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'mdp.${table}'::regclass`,
  );
  return rows.map(({ name }) => name);
}

test('finds the holes of a bar by an index, with statistics and without', async () => {
  await migrateTo(migrations);
  await database.query(`insert into mdp.instrument (venue, symbol) values ('v', 'a');
    insert into mdp.gap (
      instrument_id, from_ts, from_id, to_ts, to_id, missing, reason, detected_at
    )
    select 1, '2026-01-01Z'::timestamptz + n * interval '200 minutes', n,
      '2026-01-01Z'::timestamptz + n * interval '200 minutes', n, 1, 'skipped', now()
    from generate_series(0, 999) n`);
  for (const statistics of ['select', 'analyze']) {
    await database.query(statistics);
    const plan = await database.query('explain select complete from mdp.bars');
    const lines = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
    expect(lines).toContain('using gap_unfilled on gap');
    expect(lines).toMatch(/span = .*from_ts > .*from_ts < /);
  }
});
