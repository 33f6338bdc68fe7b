import type { Bar } from '../../market/bar.ts';
import type { Quote, Trade } from '../../market/events.ts';
import { MdpError } from '../../runtime/errors.ts';
import type {
  Batch,
  Committed,
  CommitWatch,
  LedgerRecord,
  LetterKey,
  SinkWorker,
} from '../sink.ts';
import { plainArray } from './array-literal.ts';
import { attempt, type Timed } from './attempt.ts';
import { BinaryRows } from './binary-rows.ts';
import type { Connector } from './connector.ts';
import { openGeneration, type Generation } from './generation.ts';
import { writeHalving } from './halving.ts';
import { quoteName, type Storage } from './migrations.ts';
import { TickWriter } from './tick-writer.ts';
import { quoteTable, tradeTable } from './ticks.ts';
import {
  barTable,
  deadLetterTable,
  gapTable,
  ledgerTable,
  upsertStatement,
  type UpsertTable,
} from './upserts.ts';

export type WorkerOptions = {
  readonly connector: Connector;
  readonly schema: string;
  readonly storage: Storage;
  /** Other programs may write too. */
  readonly shared: boolean;
  readonly onClose: () => void;
};

/**
 * Commits one batch at a time on a connection of its own, which it replaces when it is lost. A
 * commit that throws has left some, all or none of its rows in the database; committing the batch
 * again is always safe.
 */
export class PostgresWorker implements SinkWorker {
  readonly #connector: Connector;
  readonly #schema: string;
  readonly #storage: Storage;
  readonly #shared: boolean;
  readonly #onClose: () => void;
  readonly #trades: TickWriter<Trade>;
  readonly #quotes: TickWriter<Quote>;
  readonly #statements: Readonly<Record<'bar' | 'gap' | 'dead_letter' | 'ledger', string>>;
  #generation: Generation | undefined;
  #closed = false;

  constructor({ connector, schema, storage, shared, onClose }: WorkerOptions) {
    this.#onClose = onClose;
    this.#shared = shared;
    const out = new BinaryRows();
    this.#connector = connector;
    this.#schema = schema;
    this.#storage = storage;
    this.#trades = new TickWriter(tradeTable, schema, out);
    this.#quotes = new TickWriter(quoteTable, schema, out);
    this.#statements = {
      bar: upsertStatement(barTable, schema),
      gap: upsertStatement(gapTable, schema),
      dead_letter: upsertStatement(deadLetterTable, schema),
      ledger: upsertStatement(ledgerTable, schema),
    };
  }

  /** Opens the connection, so that a worker that cannot work says so before the first batch. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#current(signal);
  }

  async commit(batch: Batch, signal: AbortSignal, watch?: CommitWatch): Promise<Committed> {
    if (batch.rows.length === 0) return { committed: 0, alreadyThere: 0, dead: [] };
    const generation = await this.#current(signal);
    switch (batch.table) {
      case 'trade':
        return this.#trades.commit(batch.rows, generation, signal, watch);
      case 'quote':
        return this.#quotes.commit(batch.rows, generation, signal, watch);
      case 'bar':
        await generation.instruments.learn(batch.rows, signal);
        return this.#upsert(barTable, batch.rows, generation, signal, {
          ids: (rows) => rows.map(({ instrument }) => generation.instruments.idOf(instrument)),
          timed: timedBars,
          watch,
        });
      case 'gap':
        await generation.instruments.learn(batch.rows, signal);
        return this.#upsert(gapTable, batch.rows, generation, signal, {
          ids: (rows) => rows.map(({ instrument }) => generation.instruments.idOf(instrument)),
          watch,
        });
      case 'dead_letter':
        return this.#upsert(deadLetterTable, batch.rows, generation, signal, {
          ids: () => [],
          watch,
        });
    }
  }

  async forget(letters: readonly LetterKey[], signal: AbortSignal): Promise<number> {
    const { session } = await this.#current(signal);
    const { count } = await session.query(
      `delete from ${quoteName(this.#schema)}.dead_letter d
       using unnest($1::bigint[], $2::int[]) as k(position, "row")
       where d.position = k.position and d."row" = k."row"`,
      [
        plainArray(letters.map(({ position }) => position)),
        plainArray(letters.map(({ row }) => row)),
      ],
      signal,
    );
    return count;
  }

  async record({ writer, at, items }: LedgerRecord, signal: AbortSignal): Promise<void> {
    const generation = await this.#current(signal);
    const rows = items.map((item) => ({ ...item, writer, at }));
    await this.#upsert(ledgerTable, rows, generation, signal, { ids: () => [] });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#onClose();
    await this.#generation?.session.close();
    this.#generation = undefined;
  }

  async #current(signal: AbortSignal): Promise<Generation> {
    if (this.#closed) throw new MdpError('invariant', 'the worker is closed');
    if (signal.aborted) throw new MdpError('aborted', 'stopped before it began', { retry: true });
    if (this.#generation === undefined || this.#generation.session.over) {
      this.#generation = undefined;
      this.#generation = await openGeneration(
        this.#connector,
        this.#schema,
        this.#storage,
        this.#shared,
        signal,
      );
    }
    return this.#generation;
  }

  #upsert<Row>(
    table: UpsertTable<Row>,
    rows: readonly Row[],
    { session, partitions }: Generation,
    signal: AbortSignal,
    { ids, timed, watch }: UpsertRows<Row>,
  ): Promise<Committed> {
    const statement = this.#statements[table.table];
    const write = async (run: readonly Row[]): Promise<number> => {
      watch?.encoding();
      const instrumentIds = ids(run);
      const parameters = table.columns.map(({ literal }) => literal(run, instrumentIds));
      watch?.encoded();
      const { count } = await session.query(statement, parameters, signal);
      return count;
    };
    return writeHalving(rows, (run) => attempt(() => write(run), partitions, timed?.(run), signal));
  }
}

type UpsertRows<Row> = {
  /** The database's ids of the rows' instruments; none for rows that belong to no instrument. */
  readonly ids: (rows: readonly Row[]) => readonly number[];
  readonly timed?: (rows: readonly Row[]) => Timed;
  readonly watch?: CommitWatch | undefined;
};

function timedBars(bars: readonly Bar[]): Timed {
  return { table: 'bar', times: () => bars.map(({ openTime }) => openTime) };
}
