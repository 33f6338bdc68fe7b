import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bar, batches } from '../../../test/contract/sink-fixtures.ts';
import { eventTime, receiveTime } from '../../market/time.ts';
import { timeframeNames, timeframeSeconds } from '../../market/timeframes.ts';
import type { Trade } from '../../market/events.ts';
import { MdpError } from '../../runtime/errors.ts';
import { createLog } from '../../runtime/json-log.ts';
import { createSystemClock } from '../../runtime/system-clock.ts';
import type { Batch, Sink } from '../sink.ts';
import { openForWriting } from './connection.ts';
import { migrationScript, schemaVersion } from './migrate.ts';
import { openSqliteReader } from './reader.ts';
import { createSqliteSink } from './sink.ts';
import { SqliteWorker } from './worker.ts';

const never = new AbortController().signal;
const clock = createSystemClock();
const log = createLog({ level: 'error', format: 'text', now: () => 0, write: () => undefined });

let directory = '';
let path = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-sqlite-'));
  path = join(directory, 'new', 'mdp.db');
});

afterEach(() => rmSync(directory, { recursive: true }));

function sinkAt(file: string, migrate = true): Sink {
  return createSqliteSink({ path: file, migrate, clock, log });
}

function tradesOf(symbol: string, count: number): Batch {
  const rows = Array.from({ length: count }, (_, id): Trade => ({
    kind: 'trade',
    instrument: { id: 0, venue: 'binance', symbol },
    eventTime: eventTime(1_795_435_200_000_000),
    receiveTime: receiveTime(1_795_435_200_000_000),
    id,
    ref: undefined,
    price: { units: 1, scale: 0 },
    size: { units: 1, scale: 0 },
    side: 'buy',
    firstId: undefined,
    lastId: undefined,
    late: undefined,
  }));
  return { table: 'trade', rows, bytes: 0 };
}

async function refusalOf(attempt: Promise<unknown>): Promise<MdpError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof MdpError) return error;
  throw new Error(`Expected an MdpError, got ${String(error)}`);
}

function rowsIn(file: string, sql: string): readonly unknown[][] {
  const db = new Database(file, { readonly: true });
  const rows = db.query(sql).values();
  db.close();
  return rows;
}

test('refuses a second writer until the first has closed, with its name and the cure', async () => {
  const first = await sinkAt(path).open(never);
  const refusal = await refusalOf(sinkAt(path).open(never));
  expect(refusal).toMatchObject({ code: 'locked', retry: false });
  expect(refusal.message).toContain(`process ${process.pid}`);
  expect(refusal.message).toContain(`${path}.lock`);
  expect(refusal.hint).toContain('stop process');
  await first.close();
  await first.close();
  const second = await sinkAt(path).open(never);
  await second.close();
});

test('migrates once, and not at all where that is forbidden', async () => {
  const missing = await refusalOf(sinkAt(path, false).open(never));
  expect(missing).toMatchObject({ code: 'schema_missing', retry: false });
  expect(missing.hint).toContain('mdp migrate');
  for (const migrate of [true, true, false]) {
    const worker = await sinkAt(path, migrate).open(never);
    await worker.close();
  }
  expect(rowsIn(path, 'select version from schema_version')).toHaveLength(schemaVersion);
});

test('refuses a newer schema with the cure, for writing and for reading', async () => {
  await (await sinkAt(path).open(never)).close();
  const db = new Database(path);
  db.run('insert into schema_version values (?, ?, 0)', [schemaVersion + 1, 'later']);
  db.close();
  for (const open of [sinkAt(path).open(never), openSqliteReader(path)]) {
    const refusal = await refusalOf(open);
    expect(refusal).toMatchObject({ code: 'schema_newer', retry: false });
    expect(refusal.hint).toContain('newer version of mdp');
  }
});

test('prints a script that makes the same schema as migrating does', async () => {
  await (await sinkAt(path).open(never)).close();
  const byHand = join(directory, 'by-hand.db');
  const db = new Database(byHand);
  db.run(migrationScript());
  db.close();
  const schema = 'select type, name, sql from sqlite_schema order by type, name';
  expect(rowsIn(byHand, schema)).toEqual([...rowsIn(path, schema)]);
  const versions = 'select version, name from schema_version';
  expect(rowsIn(byHand, versions)).toEqual([...rowsIn(path, versions)]);
});

test('names every timeframe in the view of bars', async () => {
  const worker = await sinkAt(path).open(never);
  const of = { id: 0, venue: 'binance', symbol: 'BTCUSDT' };
  const lengths = timeframeNames.map((name) => timeframeSeconds(name) ?? 0);
  await worker.commit(batches.bars(lengths.map((timeframe) => bar(of, { timeframe }))), never);
  await worker.close();
  const view = rowsIn(path, 'select timeframe from bars').map(([name]) => String(name));
  expect(view.toSorted()).toEqual(timeframeNames.toSorted());
});

test('refuses a file that is no database, and releases its lock', async () => {
  const junk = join(directory, 'junk.db');
  writeFileSync(junk, 'no database at all '.repeat(100));
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const refusal = await refusalOf(sinkAt(junk).open(never));
    expect(refusal).toMatchObject({ code: 'database_refused', retry: false });
    expect(refusal.hint).toContain('no SQLite database');
  }
});

test('refuses to read a file that is not there, and does not make it', async () => {
  const refusal = await refusalOf(openSqliteReader(path));
  expect(refusal).toMatchObject({ code: 'database_away', retry: false });
  expect(refusal.message).toContain(path);
  expect(await Bun.file(path).exists()).toBe(false);
});

test('commits nothing of a batch on a full disk, and all of it once there is room', async () => {
  await (await sinkAt(path).open(never)).close();
  const db = openForWriting(path);
  const worker = new SqliteWorker(db, path, () => undefined);
  db.run('pragma max_page_count = 40');
  const batch = tradesOf('BTCUSDT', 20_000);
  expect(await refusalOf(worker.commit(batch, never))).toMatchObject({ code: 'disk', retry: true });
  const counts = 'select (select count(*) from trade), (select count(*) from instrument)';
  expect(rowsIn(path, counts)).toEqual([[0, 0]]);
  db.run('pragma max_page_count = 4294967294');
  expect(await worker.commit(batch, never)).toMatchObject({ committed: 20_000 });
  expect(rowsIn(path, counts)).toEqual([[20_000, 1]]);
  await worker.close();
});

test('gives a batch back while another program holds the lock, and commits it later', async () => {
  const worker = await sinkAt(path).open(never);
  const other = new Database(path);
  other.run('begin immediate');
  const refusal = await refusalOf(worker.commit(tradesOf('BTCUSDT', 10), never));
  expect(refusal).toMatchObject({ code: 'locked', retry: true });
  other.run('rollback');
  other.close();
  expect(await worker.commit(tradesOf('BTCUSDT', 10), never)).toMatchObject({ committed: 10 });
  await worker.close();
});

test('commits beside a reader that stays in the middle of its rows', async () => {
  const worker = await sinkAt(path).open(never);
  await worker.commit(tradesOf('BTCUSDT', 100), never);
  const reader = await openSqliteReader(path);
  const all = { venue: undefined, timeframe: undefined, from: undefined, to: undefined };
  const rows = reader.rows({ kind: 'trades', symbol: 'BTCUSDT', ...all, limit: undefined });
  const iterator = rows[Symbol.asyncIterator]();
  expect((await iterator.next()).done).toBe(false);
  expect(await worker.commit(tradesOf('BTCUSDT', 200), never)).toMatchObject({ committed: 100 });
  let rest = 0;
  while ((await iterator.next()).done !== true) rest += 1;
  expect(rest).toBe(99);
  await reader.close();
  await worker.close();
});

test('syncs the log at every commit', () => {
  const db = openForWriting(join(directory, 'mdp.db'));
  expect(db.query('pragma synchronous').values()).toEqual([[2n]]);
  expect(db.query('pragma journal_mode').values()).toEqual([['wal']]);
  db.close();
});

test('finds the holes of a bar by an index', async () => {
  await (await sinkAt(path).open(never)).close();
  const plan = rowsIn(path, 'explain query plan select complete from bars').flat().join('\n');
  expect(plan).toContain('gap_unfilled (instrument_id=? AND span=? AND from_ts>? AND from_ts<?)');
});
