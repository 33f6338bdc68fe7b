import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import type { Sink, SinkWorker } from '../../src/sinks/sink.ts';
import { codesOf, commitHeld, refusalOf, waitFor } from '../postgres/committing.ts';
import { FaultProxy } from '../postgres/proxy.ts';
import { makeTrades, tradeBatch } from '../postgres/rows.ts';
import { PrivateServer, execute } from '../postgres/server.ts';
import { makeSink } from '../postgres/sinks.ts';

const never = new AbortController().signal;
const ours = "application_name = 'mdp' and pid <> pg_backend_pid()";
const ordinaryConnections = 9;
let server: PrivateServer;
let proxy: FaultProxy;
let sink: Sink;
let worker: SinkWorker;
let nextId = 0;

beforeAll(async () => {
  server = await PrivateServer.start({
    settings: {
      max_connections: String(ordinaryConnections + 3),
      superuser_reserved_connections: '3',
    },
  });
});

afterAll(() => server.remove());

beforeEach(async () => {
  proxy = await FaultProxy.start(server.port);
  sink = makeSink(proxy.url());
  worker = await sink.open(never);
});

afterEach(async () => {
  proxy.mode = 'pass';
  await sink.close();
  await proxy.close();
});

function nextBatch(count = 2_000) {
  nextId += count;
  return tradeBatch(makeTrades(nextId - count, count));
}

/** Every trade of every batch of this file, once. */
async function expectAllRows(): Promise<void> {
  const [row] = await execute(server.url(), 'select count(*)::int as n from mdp.trade');
  expect(row?.['n']).toBe(nextId);
}

/** Ends the sink's sessions and returns how many there were. */
async function killBackends(): Promise<number> {
  const killed = await execute(
    server.url(),
    `select pg_terminate_backend(pid, 1000) from pg_stat_activity where ${ours}`,
  );
  return killed.length;
}

test('opens the next connection, and fails at most once, after a backend was killed', async () => {
  await commitHeld(worker, nextBatch());
  expect(await killBackends()).toBeGreaterThan(0);
  const { committed, errors } = await commitHeld(worker, nextBatch());
  expect(committed).toMatchObject({ committed: 2_000, dead: [] });
  expect(errors.length).toBeLessThan(2);
  await expectAllRows();
});

test('commits a batch whose backend was killed in the middle of its COPY', async () => {
  await commitHeld(worker, nextBatch());
  proxy.holdAfter(100_000, async () => {
    await waitFor(
      server.url(),
      `select from pg_stat_activity where ${ours} and query like 'copy%' and state = 'active'`,
    );
    await killBackends();
  });
  const { committed, errors } = await commitHeld(worker, nextBatch());
  expect(proxy.fired.trigger).toBe(1);
  expect(errors).not.toEqual([]);
  expect(committed).toMatchObject({ committed: 2_000, dead: [] });
  await expectAllRows();
});

test('finds a batch already there whose commit was not answered before the cut', async () => {
  await commitHeld(worker, nextBatch());
  const batch = nextBatch();
  proxy.mode = 'cut_after_commit';
  const refusal = await refusalOf(worker, batch);
  proxy.mode = 'pass';
  expect(proxy.fired.cut_after_commit).toBe(1);
  expect(refusal).toMatchObject({ code: 'database_away', retry: true });
  const { committed } = await commitHeld(worker, batch);
  expect(committed).toEqual({ committed: 0, alreadyThere: 2_000, dead: [] });
  await expectAllRows();
});

test('loses and doubles nothing when twenty backends in a row are killed under load', async () => {
  let kills = 0;
  let going = true;
  const killer = (async () => {
    while (kills < 20) kills += await killBackends();
    going = false;
  })();
  let failures = 0;
  while (going) failures += (await commitHeld(worker, nextBatch())).errors.length;
  await killer;
  await commitHeld(worker, nextBatch());
  expect(failures).toBeGreaterThan(0);
  await expectAllRows();
}, 30_000);

test('holds the batch, in time, before a server that accepts and says nothing', async () => {
  await commitHeld(worker, nextBatch());
  const batch = nextBatch();
  proxy.mode = 'hang';
  const started = Date.now();
  expect(await refusalOf(worker, batch)).toMatchObject({ code: 'deadline', retry: true });
  expect(await refusalOf(worker, batch)).toMatchObject({ code: 'deadline', retry: true });
  expect(Date.now() - started).toBeLessThan(6_000);
  expect(proxy.fired.hang).toBeGreaterThan(1);
  proxy.mode = 'pass';
  proxy.cut();
  expect((await commitHeld(worker, batch)).committed.dead).toEqual([]);
  await expectAllRows();
}, 15_000);

test('connects once a try, not in a loop, to a server that accepts and hangs up', async () => {
  await commitHeld(worker, nextBatch());
  proxy.mode = 'close';
  proxy.cut();
  const batch = nextBatch();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect(await refusalOf(worker, batch)).toMatchObject({ retry: true });
  }
  const tried = proxy.fired.close;
  expect(tried).toBeWithin(4, 6);
  await Bun.sleep(300);
  expect(proxy.fired.close).toBe(tried);
  proxy.mode = 'pass';
  await commitHeld(worker, batch);
  await expectAllRows();
});

test('goes on by itself when a stopped server is back', async () => {
  await commitHeld(worker, nextBatch());
  await server.stop();
  const batch = nextBatch();
  const refusals = [await refusalOf(worker, batch), await refusalOf(worker, batch)];
  expect(refusals.every(({ retry }) => retry)).toBe(true);
  await server.start();
  await commitHeld(worker, batch);
  await expectAllRows();
}, 20_000);

test('goes on by itself after a crash of the server', async () => {
  await commitHeld(worker, nextBatch());
  await server.kill();
  const batch = nextBatch();
  expect(await refusalOf(worker, batch)).toMatchObject({ code: 'database_away', retry: true });
  await server.start();
  await commitHeld(worker, batch);
  await expectAllRows();
}, 20_000);

test('holds the batch while the server is frozen, and commits it when it thaws', async () => {
  await commitHeld(worker, nextBatch());
  const batch = nextBatch();
  server.freeze();
  const refusals = [await refusalOf(worker, batch), await refusalOf(worker, batch)];
  server.thaw();
  expect(codesOf(refusals)).toEqual(['deadline']);
  const { committed } = await commitHeld(worker, batch);
  expect(committed.dead).toEqual([]);
  await expectAllRows();
}, 20_000);

test('holds the batch while the server has no free connection', async () => {
  await commitHeld(worker, nextBatch());
  const mine = makeSink(await makeOrdinaryRole());
  const crowded = await mine.open(never);
  await killBackends();
  const guests = await fillHouse();
  const batch = nextBatch();
  const refusals = [await refusalOf(crowded, batch), await refusalOf(crowded, batch)];
  expect(refusals.every(({ retry }) => retry)).toBe(true);
  expect(codesOf(refusals)).toContain('53300');
  await Promise.all(guests.map((guest) => guest.end({ timeout: 1 })));
  await commitHeld(crowded, batch);
  await mine.close();
  await expectAllRows();
}, 20_000);

/** Returns the URL of a role that may not use the connections reserved for superusers. */
async function makeOrdinaryRole(): Promise<string> {
  await execute(
    server.url(),
    `create role ordinary login;
     grant all on schema mdp to ordinary;
     grant all on all tables in schema mdp to ordinary;`,
  );
  return proxy.url().replace('postgres@', 'ordinary@');
}

/** Takes every connection that an ordinary role may have, also what others are giving back. */
async function fillHouse(): Promise<readonly postgres.Sql[]> {
  const guests: postgres.Sql[] = [];
  while (guests.length < ordinaryConnections) {
    const guest = await takeConnection();
    if (guest !== undefined) guests.push(guest);
  }
  return guests;
}

/** undefined where the house is full. */
async function takeConnection(): Promise<postgres.Sql | undefined> {
  const sql = postgres(server.url().replace('postgres@', 'ordinary@'), { max: 1 });
  try {
    await sql`select 1`;
    return sql;
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    await sql.end({ timeout: 0 });
    return undefined;
  }
}
