import type { Database, SQLQueryBindings } from 'bun:sqlite';
import { integerOf } from '../../market/integer.ts';
import { formatTime } from '../../market/time.ts';
import { timeframeName } from '../../market/timeframes.ts';
import { yieldTurn } from '../../runtime/waiting.ts';
import {
  columns,
  type Cell,
  type ColumnKind,
  type KnownInstrument,
  type Query,
  type Reader,
  type Row,
} from '../reader.ts';
import { letterOf } from '../letter.ts';
import type { DeadLetter } from '../sink.ts';
import { openForReading } from './connection.ts';
import { databaseError } from './errors.ts';
import { requireSchema } from './migrate.ts';
import { selectOf } from './select.ts';

/** Rows between two turns of the event loop: SQLite reads on the calling thread. */
const ROWS_PER_TURN = 1_000;

/**
 * Opens a database file for reading, also while a pipeline writes to it. Throws `MdpError`:
 * `database_away` when there is no file, `schema_missing` or `schema_newer` when it is not at our
 * version.
 */
export function openSqliteReader(path: string): Promise<Reader> {
  return Promise.try(() => {
    const db = openForReading(path);
    try {
      requireSchema(db, path);
      return readerOf(db, path);
    } catch (error) {
      db.close();
      throw databaseError(error, 'read', path);
    }
  });
}

function readerOf(db: Database, path: string): Reader {
  return {
    rows: (query) => rowsOf(db, path, query),
    instruments: () => Promise.try(() => instrumentsOf(db, path)),
    deadLetters: () => deadLettersOf(db, path),
    close: () => Promise.try(() => db.close()),
  };
}

async function* rowsOf(db: Database, path: string, query: Query): AsyncGenerator<Row> {
  const ids = instrumentIdsOf(db, query);
  if (ids.length === 0) return;
  const wanted = Object.entries(columns[query.kind]);
  const { sql, values } = selectOf(query, ids);
  const statement = db.prepare<Record<string, unknown>, SQLQueryBindings[]>(sql);
  let read = 0;
  try {
    for (const raw of statement.iterate(...values)) {
      yield wanted.map(([column, kind]) => cellOf(raw[column], kind));
      if (++read % ROWS_PER_TURN === 0) await yieldTurn();
    }
  } catch (error) {
    throw databaseError(error, 'read', path);
  } finally {
    statement.finalize();
  }
}

async function* deadLettersOf(db: Database, path: string): AsyncGenerator<DeadLetter> {
  const statement = db.prepare<Record<string, unknown>, []>(`
    select position, "row", receive_ts, source, stage, reason, sqlstate, payload
    from dead_letter order by receive_ts, position, "row"`);
  let read = 0;
  try {
    for (const row of statement.iterate()) {
      yield letterOf(row, Number(row['receive_ts']));
      if (++read % ROWS_PER_TURN === 0) await yieldTurn();
    }
  } catch (error) {
    throw databaseError(error, 'read', path);
  } finally {
    statement.finalize();
  }
}

function instrumentIdsOf(db: Database, { symbol, venue }: Query): readonly number[] {
  const sql =
    'select instrument_id from instrument where symbol = ?1 and venue = coalesce(?2, venue)';
  return db
    .query(sql)
    .values(symbol, venue ?? null)
    .map(([id]) => Number(id));
}

function instrumentsOf(db: Database, path: string): readonly KnownInstrument[] {
  try {
    const rows = db.query('select venue, symbol from instrument order by symbol, venue').values();
    return rows.map(([venue, symbol]) => ({ venue: String(venue), symbol: String(symbol) }));
  } catch (error) {
    throw databaseError(error, 'read', path);
  }
}

/** SQLite gives text and, as we ask for it, every integer as a bigint. */
function cellOf(value: unknown, kind: ColumnKind): Cell {
  if (typeof value === 'bigint') return integerCells[kind](value);
  return typeof value === 'string' ? value : null;
}

const integerCells: Readonly<Record<ColumnKind, (value: bigint) => Cell>> = {
  text: String,
  time: (micros) => formatTime(Number(micros)),
  timeframe: (seconds) => timeframeName(Number(seconds)) ?? `${seconds}s`,
  id: String,
  decimal: String,
  count: integerOf,
  flag: (value) => value !== 0n,
};
