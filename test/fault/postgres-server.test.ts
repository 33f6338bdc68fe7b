import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import type { Sink, SinkWorker } from '../../src/sinks/sink.ts';
import { codesOf, commitHeld, refusalOf, waitFor } from '../postgres/committing.ts';
import { barBatch, makeBar, makeTrades, tradeBatch } from '../postgres/rows.ts';
import { PrivateServer, execute } from '../postgres/server.ts';
import { makeSink } from '../postgres/sinks.ts';
import { SmallDisk } from '../postgres/small-disk.ts';

const never = new AbortController().signal;
let server: PrivateServer;
let sink: Sink;
let worker: SinkWorker;
let url = '';
let database = 0;

beforeAll(async () => {
  server = await PrivateServer.start();
  await execute(server.url(), 'create role writer login');
});

afterAll(() => server.remove());

beforeEach(async () => {
  database += 1;
  await execute(server.url(), `create database server_${database} owner writer`);
  url = server.url(`server_${database}`);
  sink = makeSink(url.replace('postgres@', 'writer@'));
  worker = await sink.open(never);
  await commitHeld(worker, tradeBatch(makeTrades(0, 1_000)));
});

afterEach(() => sink.close());

const second = tradeBatch(makeTrades(1_000, 1_000));

/** Both batches, once. */
async function expectRecovery(): Promise<void> {
  expect((await commitHeld(worker, second)).committed.dead).toEqual([]);
  const [row] = await execute(url, 'select count(*)::int as n from mdp.trade');
  expect(row?.['n']).toBe(2_000);
}

test('holds the batch while its table is missing', async () => {
  await execute(url, 'alter table mdp.trade rename to elsewhere');
  expect(await refusalOf(worker, second)).toMatchObject({
    retry: true,
    context: { sqlstate: '42P01' },
  });
  await execute(url, 'alter table mdp.elsewhere rename to trade');
  await expectRecovery();
});

test('holds the batch while the grant is revoked, and says what is missing', async () => {
  await execute(
    url,
    'alter table mdp.trade owner to postgres; revoke all on mdp.trade from writer',
  );
  const refusal = await refusalOf(worker, second);
  expect(refusal).toMatchObject({ code: 'database_refused', context: { sqlstate: '42501' } });
  expect(refusal.hint).toContain('grant');
  await execute(url, 'grant select, insert on mdp.trade to writer');
  await expectRecovery();
});

test('holds the batch while the server is read-only', async () => {
  await server.setReadOnly(true);
  const refusals = [await refusalOf(worker, second), await refusalOf(worker, second)];
  expect(codesOf(refusals)).toEqual(['25006']);
  await server.setReadOnly(false);
  await expectRecovery();
});

test('holds the batch while the table is locked, and leaves no waiting backends', async () => {
  const locked = execute(
    url,
    'begin; lock table mdp.trade in access exclusive mode; select pg_sleep(5); commit',
  );
  await waitFor(server.url(), "select from pg_stat_activity where wait_event = 'PgSleep'");
  const { errors } = await commitHeld(worker, second);
  expect(errors.length).toBeGreaterThan(0);
  expect(codesOf(errors)).toEqual(['57014']);
  await locked;
  await expectRecovery();
  const waiting = await execute(
    server.url(),
    "select from pg_stat_activity where application_name = 'mdp' and state = 'active'",
  );
  expect(waiting).toEqual([]);
}, 15_000);

test('holds the batch while the disk is full', async () => {
  const disk = SmallDisk.mount('2m');
  try {
    await execute(server.url(), `create tablespace small location '${disk.path}'`);
    await execute(url, 'alter table mdp.trade_20261123 set tablespace small');
    const large = tradeBatch(makeTrades(10_000, 40_000));
    const refusal = await refusalOf(worker, large);
    expect(refusal).toMatchObject({ code: 'disk', retry: true, context: { sqlstate: '53100' } });
    const count = 'select count(*)::int as n from mdp.trade';
    expect(await execute(url, count)).toEqual([{ n: 1_000 }]);
    disk.resize('64m');
    expect((await commitHeld(worker, large)).committed.committed).toBe(40_000);
  } finally {
    await sink.close();
    await execute(server.url(), `drop database server_${database}`);
    await execute(server.url(), 'drop tablespace if exists small');
    disk.remove();
  }
}, 20_000);

test('keeps bars waiting apart from trades: a locked bar table holds no trade', async () => {
  const other = await sink.open(never);
  const locked = execute(
    url,
    'begin; lock table mdp.bar in access exclusive mode; select pg_sleep(1); commit',
  );
  await waitFor(server.url(), "select from pg_stat_activity where wait_event = 'PgSleep'");
  const bars = commitHeld(worker, barBatch([makeBar(0)]));
  expect(await commitHeld(other, second)).toMatchObject({ errors: [] });
  expect((await bars).committed.committed).toBe(1);
  await locked;
});
