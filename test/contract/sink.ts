import { afterEach, beforeEach, describe } from 'bun:test';
import type { Instrument } from '../../src/market/instrument.ts';
import type { GapTables } from '../../src/sinks/gap-recount.ts';
import { columns, type Query, type Reader, type Row, type View } from '../../src/sinks/reader.ts';
import type { Batch, Committed, LedgerRecord, Sink, SinkWorker } from '../../src/sinks/sink.ts';
import { instrument } from './sink-fixtures.ts';
import { describeBars, describeRevisions } from './sink-bars.ts';
import { describeGaps } from './sink-gaps.ts';
import { describeLedger } from './sink-ledger.ts';
import { describeHoles, describeOverlaps } from './sink-holes.ts';
import { describeRanges, describeReading, describeViews } from './sink-reading.ts';
import { describeRecountLimits, describeRecounts } from './sink-recounts.ts';
import { describeRefusals } from './sink-refusals.ts';
import { describeCopies, describeDigits, describeRows } from './sink-rows.ts';

/**
 * What every sink must do, told through its own views: commit, read back, compare. A sink's test
 * opens a database, calls `describeSink` and adds what is particular to it.
 */
export type OpenedSink = {
  readonly sink: Sink;
  /** On the same database; the suite closes it. */
  reader(): Promise<Reader>;
  /** The names of a view's columns, in order. */
  columns(view: View): Promise<readonly string[]>;
  /** Runs a query on the tables and views; every cell as text. */
  texts(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** What a recount reads and writes, on a connection of its own. */
  gapTables(): Promise<GapTables>;
  /** Closes what is open but the sink, and removes the database. */
  cleanup(): Promise<void>;
};

/** What a test of the suite works with; each test has a database of its own. */
export type Bench = {
  commit(batch: Batch, signal?: AbortSignal): Promise<Committed>;
  record(ledger: LedgerRecord): Promise<void>;
  /** The rows of a symbol, each with its cells by name. */
  read(kind: View, of: Instrument, fields?: Partial<Query>): Promise<readonly NamedRow[]>;
  opened(): OpenedSink;
  reader(): Reader;
  /** An instrument that this test has not used yet. */
  fresh(): Instrument;
};

export type NamedRow = Readonly<Record<string, Row[number]>>;

const never = new AbortController().signal;

const laws: readonly ((bench: Bench) => void)[] = [
  describeRows,
  describeCopies,
  describeDigits,
  describeBars,
  describeRevisions,
  describeGaps,
  describeHoles,
  describeOverlaps,
  describeRecounts,
  describeRecountLimits,
  describeRefusals,
  describeLedger,
  describeViews,
  describeRanges,
  describeReading,
];

export function describeSink(name: string, open: () => Promise<OpenedSink>): void {
  describe(`sink ${name}`, () => {
    let opened: OpenedSink;
    let worker: SinkWorker;
    let reader: Reader;
    let instruments = 0;

    beforeEach(async () => {
      opened = await open();
      worker = await opened.sink.open(never);
      reader = await opened.reader();
    });

    afterEach(async () => {
      await reader.close();
      await worker.close();
      await opened.sink.close();
      await opened.cleanup();
    });

    const bench: Bench = {
      commit: (batch, signal) => worker.commit(batch, signal ?? never),
      record: (ledger) => worker.record(ledger, never),
      read: (kind, of, fields) => readAll(reader, kind, of, fields),
      opened: () => opened,
      reader: () => reader,
      fresh: () => {
        instruments += 1;
        return instrument(instruments, `SYMBOL${instruments}`);
      },
    };
    for (const describeLaw of laws) describeLaw(bench);
  });
}

async function readAll(
  reader: Reader,
  kind: View,
  { venue, symbol }: Instrument,
  fields: Partial<Query> = {},
): Promise<readonly NamedRow[]> {
  const all = { timeframe: undefined, from: undefined, to: undefined, limit: undefined };
  const names = Object.keys(columns[kind]);
  const read: NamedRow[] = [];
  for await (const row of reader.rows({ kind, symbol, venue, ...all, ...fields })) {
    read.push(Object.fromEntries(names.map((column, index) => [column, row[index] ?? null])));
  }
  return read;
}
