/** What `mdp doctor` finds of a PostgreSQL server. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Clock } from '../../src/runtime/clock.ts';
import { createSystemClock } from '../../src/runtime/system-clock.ts';
import { diagnosePostgres } from '../../src/sinks/postgres/diagnose.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { inDirectory, mdp } from './mdp.ts';

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
  await execute(server.url(), 'create role reader login; create role owner login');
});

afterAll(() => server.remove());

const examined = (role: string, database: string, more: Readonly<Record<string, string>> = {}) =>
  inDirectory(async (directory) => {
    const environment = {
      DATABASE_URL: server.url(database).replace('postgres@', `${role}@`),
      PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic' }]),
      ...more,
    };
    const { code, stdout } = await mdp(directory, ['doctor'], environment);
    return { code, text: stdout };
  });

test('tells version, clock, schema and privileges, before and behind `mdp migrate`', async () => {
  await execute(server.url(), 'create database fine owner owner');
  const before = await examined('owner', 'fine');
  expect(before.code).toBe(0);
  expect(before.text).toMatch(/warn {2}database: PostgreSQL \d\S*.*, with fsync off/);
  expect(before.text).toMatch(/ok {4}database: a round trip takes .* clock is \d+ ms/);
  expect(before.text).toContain('TimescaleDB is');
  expect(before.text).toContain('lacks migrations of this program: the next start applies them');
  expect(before.text).toContain('the role may make the schema');
  const tables = await execute(server.url('fine'), "select to_regnamespace('mdp') as mdp");
  expect(tables[0]?.['mdp']).toBeNull();
  await inDirectory((directory) =>
    mdp(directory, ['migrate'], {
      DATABASE_URL: server.url('fine').replace('postgres@', 'owner@'),
    }),
  );
  const after = await examined('owner', 'fine');
  expect(after.code).toBe(0);
  expect(after.text).toMatch(/ok {4}database: schema mdp has version \d+, with native partitions/);
  expect(after.text).toContain('the role may write to every table');
});

test('fails for a role without rights, and says which are missing', async () => {
  await execute(server.url(), 'create database closed');
  const none = await examined('reader', 'closed');
  expect(none.code).toBe(1);
  expect(none.text).toContain('fail  database: the role may not make schema mdp');
  const forbidden = await examined('reader', 'closed', { PIPELINE_DATABASE_MIGRATE: 'false' });
  expect(forbidden.text).toContain('fail  database: schema mdp lacks migrations');
  expect(forbidden.text).toContain('run `mdp migrate`');
  await inDirectory((directory) =>
    mdp(directory, ['migrate'], { DATABASE_URL: server.url('closed') }),
  );
  const grant =
    'grant usage on schema mdp to reader; grant select on all tables in schema mdp to reader';
  await execute(server.url('closed'), grant);
  const reader = await examined('reader', 'closed');
  expect(reader.code).toBe(1);
  expect(reader.text).toMatch(/fail {2}database: the role may not write to bar, .*trade/);
  await execute(server.url('closed'), 'grant insert on all tables in schema mdp to reader');
  const writer = await examined('reader', 'closed');
  expect(writer.text).toContain('fail  database: the role may not make partitions in schema mdp');
});

test('brings gap rows up to date, and tells a role that may not how it could', async () => {
  await execute(server.url(), 'create database holed owner owner');
  const asOwner = { DATABASE_URL: server.url('holed').replace('postgres@', 'owner@') };
  await inDirectory((directory) => mdp(directory, ['migrate'], asOwner));
  await execute(
    server.url('holed'),
    `insert into mdp.instrument (venue, symbol) values ('binance', 'AAA');
     create table mdp.trade_19700101 partition of mdp.trade
       for values from ('1970-01-01Z') to ('1970-01-02Z');
     insert into mdp.trade (instrument_id, ts, trade_id, receive_ts, price, size, late)
       select 1, '1970-01-01T00:00:10Z', id, now(), 1, 1, 0 from generate_series(5, 7) as id;
     insert into mdp.gap
       (instrument_id, from_ts, from_id, to_ts, to_id, missing, reason, detected_at)
       select 1, '1970-01-01T00:00:00Z', id, '1970-01-01T00:01:00Z', 7, 8 - id, 'down', now()
       from unnest(array[4, 5]) as id;
     grant usage, create on schema mdp to reader;
     grant select, insert on all tables in schema mdp to reader`,
  );
  const reader = await examined('reader', 'holed');
  expect(reader.code).toBe(0);
  expect(reader.text).toContain('warn  gaps: rows could not be held against the trades: this role');
  expect(reader.text).toContain('grant select, update on mdp.gap and select on mdp.trade');
  const owner = await examined('postgres', 'holed');
  expect(owner.text).toContain(
    'ok    gaps: 2 unfilled holes of trade ids recounted: 1 are filled by trades that are ' +
      'stored, 1 more lack less',
  );
  const left = await execute(server.url('holed'), 'select missing::int from mdp.gap order by 1');
  expect(left).toEqual([{ missing: 0 }, { missing: 1 }]);
});

test('fails for a database that is not there, with the cure', async () => {
  const found = await examined('owner', 'nowhere');
  expect(found.code).toBe(1);
  expect(found.text).toContain('the database of database.url does not exist; create it');
});

test('warns where role or database leave fewer connections than the workers open', async () => {
  await execute(server.url(), 'create database narrow owner owner');
  const roomy = await examined('owner', 'narrow');
  expect(roomy.text).toMatch(
    /ok {4}database: \d+ connections are free for this role, 5 are wanted/,
  );
  await execute(server.url(), 'alter role owner connection limit 3');
  const role = await examined('owner', 'narrow');
  expect(role.text).toContain('warn  database: 3 connections are free for this role, 5 are wanted');
  await execute(server.url(), 'alter role owner connection limit -1');
  await execute(server.url(), 'alter database narrow connection limit 2');
  const database = await examined('owner', 'narrow');
  expect(database.text).toContain('warn  database: 2 connections are free');
});

test('fails for a server that may only be read', async () => {
  await server.setReadOnly(true);
  const found = await examined('owner', 'postgres');
  await server.setReadOnly(false);
  expect(found.code).toBe(1);
  expect(found.text).toContain('fail  database: the server is read-only');
  expect(found.text).toContain('it is a standby or set read-only');
});

test('warns of native partitions beside a TimescaleDB that was installed later', async () => {
  await execute(server.url(), 'create database later');
  const url = server.url('later');
  await inDirectory((directory) => mdp(directory, ['migrate'], { DATABASE_URL: url }));
  // The catalogue's row alone: this machine's server may have no TimescaleDB to install.
  await execute(
    `${url}?options=-c%20allow_system_table_mods=on`,
    `insert into pg_extension select 99999, 'timescaledb', oid, 2200, false, '2.17.2'
     from pg_roles where rolname = 'postgres'`,
  );
  const found = await examined('postgres', 'later');
  expect(found.text).toContain('ok    database: TimescaleDB 2.17.2 is installed');
  expect(found.text).toMatch(/warn {2}database: schema mdp has .*, beside TimescaleDB/);
  expect(found.text).toContain('give database.schema a new name to begin anew');
});

test('warns of a server whose clock is not ours', async () => {
  const ahead = createSystemClock();
  const clock: Clock = { ...ahead, now: () => ahead.now() + 3_600_000_000 };
  const options = { schema: 'mdp', sslmode: undefined, sslCa: undefined, clock };
  const asked = { ...options, url: server.url(), migrate: true, keepsAll: true, workers: 2 };
  const findings = await diagnosePostgres(asked, new AbortController().signal);
  const found = findings.find(({ text }) => text.includes("the server's clock"));
  expect(found).toMatchObject({ status: 'warn' });
  expect(found?.text).toMatch(/36000\d\d ms behind|3599\d\d\d ms behind/);
  expect(found?.cure).toContain('synchronise the clocks');
});
