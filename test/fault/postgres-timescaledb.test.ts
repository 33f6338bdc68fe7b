/**
 * TimescaleDB, on a private server that preloads it. Where `pg_available_extensions` does not list
 * it the tests are skipped, and say so.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { receiveTime } from '../../src/market/time.ts';
import { connectorOf } from '../../src/sinks/postgres/sink.ts';
import { tend } from '../../src/sinks/postgres/upkeep.ts';
import type { Sink, SinkWorker } from '../../src/sinks/sink.ts';
import { commitHeld } from '../postgres/committing.ts';
import { barBatch, makeBar, makeTrade, makeTrades, noon, tradeBatch } from '../postgres/rows.ts';
import { PrivateServer, execute } from '../postgres/server.ts';
import { clock, collectingLog, makeSink } from '../postgres/sinks.ts';
import { hasTimescale, timescaleSettings } from '../postgres/timescaledb.ts';

const never = new AbortController().signal;
const available = await hasTimescale();
const timescale = test.skipIf(!available);

let server: PrivateServer;
let sink: Sink;
let worker: SinkWorker;

beforeAll(async () => {
  if (!available) return;
  server = await PrivateServer.start({ settings: timescaleSettings });
  sink = makeSink(server.url(), { compressAfterMs: 7 * 86_400_000 });
  worker = await sink.open(never);
});

afterAll(async () => {
  if (!available) return;
  await sink.close();
  await server.remove();
});

async function countTrades(): Promise<unknown> {
  const [row] = await execute(server.url(), 'select count(*)::int as n from mdp.trade');
  return row?.['n'];
}

timescale('makes hypertables and records that it did', async () => {
  const tables = await execute(
    server.url(),
    'select hypertable_name as name from timescaledb_information.hypertables order by 1',
  );
  expect(tables.map(({ name }) => name)).toEqual(['bar', 'quote', 'trade']);
  const [version] = await execute(server.url(), 'select distinct storage from mdp.schema_version');
  expect(version).toEqual({ storage: 'timescaledb' });
});

timescale(
  'leaves the extension where everyone looks for it, and not in its own schema',
  async () => {
    const [extension] = await execute(
      server.url(),
      `select extnamespace::regnamespace::text as schema from pg_extension
         where extname = 'timescaledb'`,
    );
    expect(extension).toEqual({ schema: 'public' });
  },
);

timescale(
  'commits late rows and copies into compressed chunks, and counts them right',
  async () => {
    await commitHeld(worker, tradeBatch(makeTrades(0, 5_000)));
    await commitHeld(worker, barBatch([makeBar(0), makeBar(1)]));
    await execute(
      server.url(),
      `select public.compress_chunk(c) from public.show_chunks('mdp.trade') c;
       select public.compress_chunk(c) from public.show_chunks('mdp.bar') c`,
    );
    const mixed = [...makeTrades(4_000, 1_000), ...makeTrades(5_000, 500)];
    const again = await commitHeld(worker, tradeBatch(mixed));
    expect(again.committed).toEqual({ committed: 500, alreadyThere: 1_000, dead: [] });
    const late = makeTrade(9_000_000, { late: 'late', receiveTime: receiveTime(noon) });
    expect((await commitHeld(worker, tradeBatch([late]))).committed.committed).toBe(1);
    expect(await countTrades()).toBe(5_501);
    const revised = await commitHeld(worker, barBatch([makeBar(0, { revision: 2 })]));
    expect(revised.committed.committed).toBe(1);
  },
);

timescale(
  'keeps the jobs for compression and retention as the configuration has them',
  async () => {
    const jobs = async (): Promise<readonly unknown[]> => {
      const rows = await execute(
        server.url(),
        `select distinct proc_name as name from timescaledb_information.jobs
       where hypertable_schema = 'mdp' order by 1`,
      );
      return rows.map(({ name }) => name);
    };
    const via = { url: server.url(), schema: 'mdp', sslmode: undefined, sslCa: undefined, clock };
    const options = {
      connector: await connectorOf(via),
      schema: 'mdp',
      storage: 'timescaledb',
      clock,
      log: collectingLog().log,
    } as const;
    const day = 86_400_000;
    await tend({ ...options, compressAfterMs: 7 * day, retentionMs: 30 * day }, never);
    expect(await jobs()).toEqual(['policy_compression', 'policy_retention']);
    await tend({ ...options, compressAfterMs: 7 * day, retentionMs: undefined }, never);
    expect(await jobs()).toEqual(['policy_compression']);
  },
);

timescale('makes hypertables as a role that only may create, also where no public is', async () => {
  await execute(server.url(), 'create role writer login');
  for (const [name, drop] of [
    ['with_public', ''],
    ['without_public', 'drop schema public cascade'],
  ] as const) {
    await execute(server.url(), `create database ${name}`);
    const url = server.url(name);
    await execute(url, `grant create on database ${name} to writer; ${drop}`);
    const mine = makeSink(url.replace('postgres@', 'writer@'), { compressAfterMs: 86_400_000 });
    const writing = await mine.open(never);
    await commitHeld(writing, tradeBatch(makeTrades(0, 100)));
    await mine.close();
    const [row] = await execute(url, 'select distinct storage from mdp.schema_version');
    expect([name, row]).toEqual([name, { storage: 'timescaledb' }]);
  }
});

timescale(
  'falls back to partitions where the library is there but not loaded',
  async () => {
    const plain = await PrivateServer.start();
    try {
      const mine = makeSink(plain.url());
      const writing = await mine.open(never);
      const { committed } = await commitHeld(writing, tradeBatch(makeTrades(0, 100)));
      expect(committed.committed).toBe(100);
      await mine.close();
      const [row] = await execute(plain.url(), 'select distinct storage from mdp.schema_version');
      expect(row).toEqual({ storage: 'native' });
    } finally {
      await plain.remove();
    }
  },
  20_000,
);
