import type { Database, SQLQueryBindings, Statement } from 'bun:sqlite';
import { MdpError } from '../../runtime/errors.ts';
import type {
  Batch,
  Committed,
  LedgerRecord,
  LetterKey,
  RejectedRow,
  SinkWorker,
} from '../sink.ts';
import type { Cut } from '../cut.ts';
import type { GapTables } from '../gap-recount.ts';
import type { InstrumentRow, Rows } from '../packed-rows.ts';
import { clearCut } from './clear.ts';
import { databaseError, refusedReason, rejectedRow } from './errors.ts';
import { sqliteGapTables } from './gap-tables.ts';
import { InstrumentIds } from './instrument-ids.ts';
import {
  barWriter,
  deadLetterWriter,
  gapWriter,
  ledgerWriter,
  quoteWriter,
  tradeWriter,
  type TableWriter,
} from './tables.ts';

type RowStatement = Statement<unknown, SQLQueryBindings[]>;

/**
 * The one writer of a file. A batch is one transaction of prepared single-row statements, so a
 * refused row costs itself only. The call returns when the write-ahead log is on the disk.
 */
export class SqliteWorker implements SinkWorker {
  readonly #db: Database;
  readonly #path: string;
  readonly #onClose: () => void;
  readonly #instruments: InstrumentIds;
  readonly #statements = new Map<string, RowStatement>();
  #closed = false;

  constructor(db: Database, path: string, onClose: () => void) {
    this.#db = db;
    this.#path = path;
    this.#onClose = onClose;
    this.#instruments = new InstrumentIds(db);
  }

  commit(batch: Batch, signal: AbortSignal): Promise<Committed> {
    return Promise.try(() => {
      if (signal.aborted) throw new MdpError('aborted', 'commit aborted before it began');
      if (batch.rows.length === 0) return { committed: 0, alreadyThere: 0, dead: [] };
      return this.#inTransaction(() => this.#write(batch));
    });
  }

  forget(letters: readonly LetterKey[], signal: AbortSignal): Promise<number> {
    return Promise.try(() => {
      if (signal.aborted) throw new MdpError('aborted', 'aborted before it began');
      const statement = this.#statement('delete from dead_letter where position = ? and "row" = ?');
      return this.#inTransaction(() =>
        letters.reduce((sum, { position, row }) => sum + statement.run(position, row).changes, 0),
      );
    });
  }

  record({ writer, at, items }: LedgerRecord, signal: AbortSignal): Promise<void> {
    return Promise.try(() => {
      if (signal.aborted) throw new MdpError('aborted', 'record aborted before it began');
      const rows = items.map((item) => ({ ...item, writer, at }));
      this.#inTransaction(() => this.#insert(rows, ledgerWriter, () => 0));
    });
  }

  /** As `Sink.clear`. */
  clear(cut: Cut): number {
    let epoch = 0;
    this.#inTransaction(() => {
      epoch = clearCut(this.#db, cut);
    });
    return epoch;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** On the file's one writing connection, between commits. */
  gapTables(): GapTables {
    return sqliteGapTables({ path: this.#path, reading: this.#db, writing: () => this.#db });
  }

  close(): Promise<void> {
    return Promise.try(() => {
      if (this.#closed) return;
      this.#closed = true;
      for (const statement of this.#statements.values()) statement.finalize();
      this.#instruments.close();
      this.#db.close();
      this.#onClose();
    });
  }

  #inTransaction<T>(write: () => T): T {
    try {
      if (this.#db.inTransaction) this.#db.run('rollback');
      this.#db.run('begin immediate');
      const committed = write();
      this.#db.run('commit');
      return committed;
    } catch (error) {
      this.#rollBack();
      throw databaseError(error, 'write to', this.#path);
    }
  }

  #rollBack(): void {
    this.#instruments.forget();
    // A full disk, for one, has already rolled back by itself.
    if (!this.#db.inTransaction) return;
    try {
      this.#db.run('rollback');
    } catch {
      // Nothing of it gets committed: the next commit begins by rolling back, or fails. The first
      // error is to be told.
    }
  }

  #write(batch: Batch): Committed {
    switch (batch.table) {
      case 'trade':
        return this.#insert(batch.rows, tradeWriter, this.#instrumentId);
      case 'quote':
        return this.#insert(batch.rows, quoteWriter, this.#instrumentId);
      case 'bar':
        return this.#insert(batch.rows, barWriter, this.#instrumentId);
      case 'gap':
        return this.#insert(batch.rows, gapWriter, this.#instrumentId);
      case 'dead_letter':
        return this.#insert(batch.rows, deadLetterWriter, () => 0);
    }
  }

  readonly #instrumentId = (row: InstrumentRow): number =>
    this.#instruments.databaseId(row.instrument);

  #insert<Row>(
    rows: Rows<Row>,
    writer: TableWriter<Row>,
    instrumentId: (row: Row) => number,
  ): Committed {
    const statement = this.#statement(writer.sql);
    const dead: RejectedRow[] = [];
    let committed = 0;
    let index = 0;
    for (const row of rows) {
      try {
        committed += statement.run(...writer.values(row, instrumentId(row))).changes;
      } catch (error) {
        const reason = refusedReason(error);
        if (reason === undefined) throw error;
        dead.push(rejectedRow(index, reason));
      }
      index += 1;
    }
    return { committed, alreadyThere: rows.length - committed - dead.length, dead };
  }

  #statement(sql: string): RowStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
