/**
 * The PostgreSQL sink alone, from memory into the keyed table, against `psql \copy` (text, one
 * connection) of the same rows on the same private server. Paired: every round runs each once, so
 * that what else the machine does hits all alike.
 *
 *     ./scripts/dev.sh bench sink [ROWS] [ROUNDS]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatDecimal } from '../src/market/decimal.ts';
import type { Trade } from '../src/market/events.ts';
import { formatTime } from '../src/market/time.ts';
import { PackedRows } from '../src/sinks/packed-rows.ts';
import { tradeLayout } from '../src/sinks/packed-trades.ts';
import type { Batch, Sink, SinkWorker } from '../src/sinks/sink.ts';
import { makeTrades, tradeBatch } from '../test/postgres/rows.ts';
import { PrivateServer, execute } from '../test/postgres/server.ts';
import { makeSink } from '../test/postgres/sinks.ts';

const rowCount = Number(process.argv[2] ?? 500_000);
const rounds = Number(process.argv[3] ?? 5);
const batchRows = 10_000;
/** Of psql's rate; below one of them the exit code is 1. */
const floors = { fresh: 1.2, duplicates: 0.5 };
const columns = 'instrument_id, ts, trade_id, receive_ts, price, size, side, late';
const never = new AbortController().signal;

type Sample = { readonly rowsPerSecond: number; readonly cpuMicrosPerRow: number };

async function main(): Promise<void> {
  const psql = Bun.which('psql');
  if (psql === null) throw new Error('the comparison needs psql on PATH');
  const directory = mkdtempSync(join(tmpdir(), 'mdp-bench-'));
  const server = await PrivateServer.start({ settings: { fsync: 'on', shared_buffers: '256MB' } });
  const sink = makeSink(server.url(), { deadlines: { connectMs: 5_000, statementMs: 60_000 } });
  try {
    const rows = makeTrades(1, rowCount);
    const file = join(directory, 'rows.txt');
    await Bun.write(file, textRows(rows));
    await compare(server, psql, file, sink, batchesOf(rows));
  } finally {
    await sink.close();
    await server.remove();
    rmSync(directory, { recursive: true });
  }
}

async function compare(
  server: PrivateServer,
  psql: string,
  file: string,
  sink: Sink,
  batches: readonly Batch[],
): Promise<void> {
  const copies: Sample[] = [];
  const sinks: Sample[] = [];
  const duplicates: Sample[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    const command = `\\copy mdp.trade (${columns}) from '${file}'`;
    // New ones each round: a worker remembers that it was refused often.
    const workers = [await sink.open(never), await sink.open(never)];
    // Makes the partition of the rows' day, which psql cannot.
    await commitAll(workers, batches.slice(0, 1));
    await empty(server);
    const copy = await measure(async () => {
      const child = Bun.spawn([psql, '-q', '-v', 'ON_ERROR_STOP=1', server.url(), '-c', command]);
      if ((await child.exited) !== 0) throw new Error('psql failed');
    });
    await empty(server);
    const fresh = await measure(() => commitAll(workers, batches));
    await requireRows(server);
    const again = await measure(() => commitAll(workers, batches));
    await requireRows(server);
    await Promise.all(workers.map((worker) => worker.close()));
    if (round === 0) continue;
    copies.push(copy);
    sinks.push(fresh);
    duplicates.push(again);
  }
  report(copies, sinks, duplicates);
}

async function commitAll(workers: readonly SinkWorker[], batches: readonly Batch[]): Promise<void> {
  const queue = [...batches];
  await Promise.all(
    workers.map(async (worker) => {
      for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
        await worker.commit(batch, never);
      }
    }),
  );
}

async function measure(work: () => Promise<void>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { rowsPerSecond: rowCount / (ms / 1_000), cpuMicrosPerRow: (user + system) / rowCount };
}

function report(
  copies: readonly Sample[],
  sinks: readonly Sample[],
  duplicates: readonly Sample[],
): void {
  const ratio = (samples: readonly Sample[]): number =>
    median(
      samples.map((sample, round) => sample.rowsPerSecond / (copies[round]?.rowsPerSecond ?? 0)),
    );
  const line = (name: string, samples: readonly Sample[], floor: string): string => {
    const rate = Math.round(median(samples.map(({ rowsPerSecond }) => rowsPerSecond)) / 1_000);
    const cpu = median(samples.map(({ cpuMicrosPerRow }) => cpuMicrosPerRow)).toFixed(2);
    const cells = [`${rate} k`, ratio(samples).toFixed(2), floor, samples === copies ? '' : cpu];
    return tableLine(name, cells);
  };
  const missed = ratio(sinks) < floors.fresh || ratio(duplicates) < floors.duplicates;
  process.exitCode = missed ? 1 : 0;
  process.stdout.write(
    [
      `${rowCount} trades, ${rounds} rounds, medians; batches of ${batchRows}, 2 connections`,
      tableLine('', ['rows/s', 'ratio', 'floor', 'µs CPU/row']),
      line('psql \\copy, text, 1 connection', copies, ''),
      line('sink, new rows', sinks, floors.fresh.toFixed(2)),
      line('sink, duplicates only', duplicates, floors.duplicates.toFixed(2)),
      '',
    ].join('\n'),
  );
}

function tableLine(name: string, cells: readonly string[]): string {
  return name.padEnd(36) + cells.map((cell) => cell.padStart(12)).join('');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function empty(server: PrivateServer): Promise<void> {
  await execute(server.url(), 'truncate mdp.trade; ');
  await execute(server.url(), 'checkpoint');
}

async function requireRows(server: PrivateServer): Promise<void> {
  const [row] = await execute(server.url(), 'select count(*)::int as n from mdp.trade');
  if (row?.['n'] !== rowCount) throw new Error(`${String(row?.['n'])} rows instead of ${rowCount}`);
}

function batchesOf(rows: readonly Trade[]): readonly Batch[] {
  const count = Math.ceil(rows.length / batchRows);
  return Array.from({ length: count }, (_, index) =>
    tradeBatch(PackedRows.of(tradeLayout, rows.slice(index * batchRows, (index + 1) * batchRows))),
  );
}

function textRows(rows: readonly Trade[]): string {
  return rows.map(textRow).join('');
}

function textRow(row: Trade): string {
  const cells = [
    row.instrument.id + 1,
    formatTime(row.eventTime),
    String(row.id),
    formatTime(row.receiveTime),
    formatDecimal(row.price),
    formatDecimal(row.size),
    row.side === 'buy' ? 'b' : 's',
    0,
  ];
  return `${cells.join('\t')}\n`;
}

await main();
