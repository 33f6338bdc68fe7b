/** Reading from PostgreSQL by whoever takes the rows slowly: into a pipe, on a busy machine. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { openPostgresReader } from '../../src/sinks/postgres/reader.ts';
import { makeTrade, tradeBatch } from '../postgres/rows.ts';
import { PrivateServer } from '../postgres/server.ts';
import { clock, makeSink } from '../postgres/sinks.ts';

const never = new AbortController().signal;
/** The reader asks the server for so many at a time. */
const chunkRows = 1_000;
const instrument = { id: 0, venue: 'synthetic', symbol: 'SYM-0' };
let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
});

afterAll(() => server.remove());

test('reads on for longer than a statement may take, as long as rows are taken', async () => {
  const sink = makeSink(server.url());
  const worker = await sink.open(never);
  const trades = Array.from({ length: 4 * chunkRows }, (_, id) => makeTrade(id, { instrument }));
  await worker.commit(tradeBatch(trades), never);
  await sink.close();
  const reader = await openPostgresReader({
    url: server.url(),
    schema: 'mdp',
    sslmode: undefined,
    sslCa: undefined,
    clock,
    deadlines: { connectMs: 5_000, statementMs: 1_000 },
  });
  let rows = 0;
  for await (const row of reader.rows({
    kind: 'trades',
    symbol: instrument.symbol,
    venue: undefined,
    timeframe: undefined,
    from: undefined,
    to: undefined,
    limit: undefined,
  })) {
    rows += Math.sign(row.length);
    if (rows % chunkRows === 0) await Bun.sleep(500);
  }
  await reader.close();
  expect(rows).toBe(4 * chunkRows);
}, 30_000);
