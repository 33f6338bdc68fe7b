import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'bun:test';
import { BinaryRows } from '../../src/sinks/postgres/binary-rows.ts';
import { openGeneration } from '../../src/sinks/postgres/generation.ts';
import { connectorOf } from '../../src/sinks/postgres/sink.ts';
import { TickWriter } from '../../src/sinks/postgres/tick-writer.ts';
import { tradeTable } from '../../src/sinks/postgres/ticks.ts';
import type { Sink, SinkWorker } from '../../src/sinks/sink.ts';
import { commitHeld, waitFor } from '../postgres/committing.ts';
import {
  barBatch,
  instruments,
  makeBar,
  makeQuote,
  makeTrade,
  makeTrades,
  noon,
  quoteBatch,
  tradeBatch,
} from '../postgres/rows.ts';
import { eventTime } from '../../src/market/time.ts';
import { PrivateServer, execute } from '../postgres/server.ts';
import { clock, collectingLog, makeSink } from '../postgres/sinks.ts';

const never = new AbortController().signal;
let server: PrivateServer;
let sink: Sink;
let worker: SinkWorker;
let database = 0;
let url = '';
let lines: string[] = [];

beforeAll(async () => {
  server = await PrivateServer.start({ settings: { deadlock_timeout: '600ms' } });
});

afterAll(() => server.remove());

beforeEach(async () => {
  database += 1;
  await execute(server.url(), `create database rows_${database}`);
  url = server.url(`rows_${database}`);
  const collecting = collectingLog();
  lines = collecting.lines;
  sink = makeSink(url, { log: collecting.log });
  worker = await sink.open(never);
});

afterEach(() => sink.close());

async function countOf(table: string): Promise<number> {
  const [row] = await execute(url, `select count(*)::int as n from mdp.${table}`);
  return Number(row?.['n']);
}

test('commits a batch that comes twice once, and counts the second as already there', async () => {
  const batch = tradeBatch(makeTrades(0, 5_000));
  expect(await worker.commit(batch, never)).toMatchObject({ committed: 5_000, alreadyThere: 0 });
  expect(await worker.commit(batch, never)).toMatchObject({ committed: 0, alreadyThere: 5_000 });
  expect(await countOf('trade')).toBe(5_000);
});

test('commits 4,999 of 5,000 trades, and says which one was refused and why', async () => {
  await execute(url, 'alter table mdp.trade add constraint sane check (price < 1000000)');
  const rows = [...makeTrades(0, 5_000)];
  rows[3_333] = makeTrade(3_333, { price: { units: 1_000_001, scale: 0 } });
  expect(await worker.commit(tradeBatch(rows), never)).toEqual({
    committed: 4_999,
    alreadyThere: 0,
    dead: [{ index: 3_333, reason: 'constraint_violation', sqlstate: '23514' }],
  });
  expect(await countOf('trade')).toBe(4_999);
  expect(lines.join('\n')).not.toContain('1000001');
});

test('finds every poisoned row, next to each other and at both ends', async () => {
  const poison = [0, 1, 41, 42, 99];
  const rows = makeTrades(0, 100).map((trade, index) =>
    poison.includes(index) ? makeTrade(index, { id: 2n ** 63n + BigInt(index) }) : trade,
  );
  const { committed, dead } = await worker.commit(tradeBatch(rows), never);
  expect(committed).toBe(95);
  expect(dead.map(({ index }) => index)).toEqual(poison);
  expect(new Set(dead.map(({ sqlstate }) => sqlstate))).toEqual(new Set(['22003']));
});

test('stores texts with NUL bytes under a replacement character', async () => {
  const symbol = { ...instruments[0], id: 500, venue: 'odd', symbol: 'NUL\0L' };
  const rows = [makeTrade(1, { ref: 'a\0b' }), makeTrade(2, { instrument: symbol })];
  expect(await worker.commit(tradeBatch(rows), never)).toMatchObject({ committed: 2, dead: [] });
  const stored = await execute(url, `select symbol, trade_ref from mdp.trades order by trade_id`);
  expect(stored).toMatchObject([{ trade_ref: 'a\uFFFDb' }, { symbol: 'NUL\uFFFDL' }]);
});

test('makes the partitions of any date from 1970 on, and makes a dropped one again', async () => {
  const old = [0, 1_000_000_000_000_000].map((at, id) =>
    makeTrade(id, { eventTime: eventTime(at) }),
  );
  expect(await worker.commit(tradeBatch(old), never)).toMatchObject({ committed: 2 });
  await execute(url, 'drop table mdp.trade_19700101');
  const again = await worker.commit(tradeBatch(old), never);
  expect(again).toMatchObject({ committed: 1, alreadyThere: 1, dead: [] });
  expect(await countOf('trade_19700101')).toBe(1);
});

test('commits a batch that spans more days than one statement may lock', async () => {
  const day = 86_400_000_000;
  const rows = Array.from({ length: 250 }, (_, id) =>
    makeQuote(id, { eventTime: eventTime(noon - id * day) }),
  );
  rows[249] = makeQuote(249, { bid: undefined, ask: undefined });
  const { dead, ...counts } = await worker.commit(quoteBatch(rows), never);
  expect(counts).toEqual({ committed: 249, alreadyThere: 0 });
  expect(dead.map(({ index }) => index)).toEqual([249]);
});

test('takes the slow path for 1,000 batches once two of twenty were refused', async () => {
  const via = { url, schema: 'mdp', sslmode: undefined, sslCa: undefined, clock };
  const generation = await openGeneration(await connectorOf(via), 'mdp', 'native', true, never);
  const writer = new TickWriter(tradeTable, 'mdp', new BinaryRows());
  const copy = makeTrades(0, 2);
  await writer.commit(copy, generation, never);
  await writer.commit(copy, generation, never);
  expect(writer.path).toBe('fast');
  await writer.commit(copy, generation, never);
  for (let batch = 0; batch < 1_000; batch += 1) {
    expect(writer.path).toBe('slow');
    const { alreadyThere } = await writer.commit(copy, generation, never);
    expect(alreadyThere).toBe(2);
  }
  expect(writer.path).toBe('fast');
  await generation.session.close();
});

test('keeps the greatest of equal bars in one batch, however the batch is ordered', async () => {
  const bars = [makeBar(0, { revision: 2 }), makeBar(0), makeBar(0, { tradeCount: 5 })];
  expect(await worker.commit(barBatch(bars), never)).toMatchObject({ committed: 1 });
  expect(await execute(url, 'select trade_count::int, revision from mdp.bar')).toMatchObject([
    { trade_count: 5, revision: 1 },
  ]);
});

test('repeats a batch at once that was chosen as the victim of a deadlock', async () => {
  await worker.commit(barBatch([makeBar(0), makeBar(1)]), never);
  // The other writer holds the second bar, wants the first, and waits longer than we do before it
  // looks for a deadlock.
  const other = execute(
    url,
    `set deadlock_timeout = '5s'; begin;
     update mdp.bar set revision = 1 where ts = '2026-11-23T12:01:00Z';
     select pg_sleep(0.4);
     update mdp.bar set revision = 1 where ts = '2026-11-23T12:00:00Z';
     commit`,
  );
  await waitFor(server.url(), "select from pg_stat_activity where wait_event = 'PgSleep'");
  const bars = [makeBar(0, { revision: 3 }), makeBar(1, { revision: 3 })];
  const { committed, errors } = await commitHeld(worker, barBatch(bars));
  await other;
  expect(errors).toEqual([]);
  expect(committed).toMatchObject({ committed: 2 });
  // A session reports its statistics when it ends.
  await worker.close();
  await waitFor(
    url,
    'select from pg_stat_database where datname = current_database() and deadlocks > 0',
  );
});
