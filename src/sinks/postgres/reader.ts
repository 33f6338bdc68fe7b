import { integerOf } from '../../market/integer.ts';
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
import { requireSchema } from './migrate.ts';
import { quoteName } from './migrations.ts';
import { selectOf } from './select.ts';
import type { Session } from './session.ts';
import { connectorOf, type ConnectionOptions } from './sink.ts';

const rowsPerChunk = 1_000;

/**
 * Opens a database for reading, also a standby. Throws `MdpError`: `database_away`, and
 * `schema_missing` or `schema_newer` where the schema is not ours.
 */
export async function openPostgresReader(
  options: ConnectionOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Reader> {
  const connector = await connectorOf(options);
  const session = await connector.openForReading(signal);
  try {
    await requireSchema(session, options.schema, signal);
    // To the server a statement lasts until its last row is asked for, however slowly they are
    // taken: each chunk has our own deadline.
    await session.query('set statement_timeout = 0', [], signal);
  } catch (error) {
    session.destroy();
    throw error;
  }
  return {
    rows: (query) => rowsOf(session, options.schema, query, signal),
    instruments: () => instrumentsOf(session, options.schema, signal),
    deadLetters: () => deadLettersOf(session, options.schema, signal),
    close: () => session.close(),
  };
}

async function* rowsOf(
  session: Session,
  schema: string,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  const kinds = Object.entries(columns[query.kind]);
  const { sql, parameters } = selectOf(query, schema);
  for await (const chunk of session.chunks(sql, parameters, rowsPerChunk, signal)) {
    for (const raw of chunk) yield kinds.map(([column, kind]) => cellOf(raw[column], kind));
  }
}

async function* deadLettersOf(
  session: Session,
  schema: string,
  signal: AbortSignal,
): AsyncGenerator<DeadLetter> {
  const sql = `
    select position::text as position, "row", source, stage, reason, sqlstate,
      (extract(epoch from receive_ts) * 1000000)::bigint::text as micros, payload
    from ${quoteName(schema)}.dead_letter d order by receive_ts, d.position, "row"`;
  for await (const chunk of session.chunks(sql, [], rowsPerChunk, signal)) {
    for (const row of chunk) yield letterOf(row, Number(row['micros']));
  }
}

async function instrumentsOf(
  session: Session,
  schema: string,
  signal: AbortSignal,
): Promise<readonly KnownInstrument[]> {
  const { rows } = await session.query(
    `select venue, symbol from ${quoteName(schema)}.instrument
     order by symbol collate "C", venue collate "C"`,
    [],
    signal,
  );
  return rows.map((row) => ({ venue: String(row['venue']), symbol: String(row['symbol']) }));
}

/** Every cell comes as text or null. */
function cellOf(value: unknown, kind: ColumnKind): Cell {
  if (typeof value !== 'string') return null;
  switch (kind) {
    case 'flag':
      return value === 'true';
    case 'count':
      return integerOf(BigInt(value));
    case 'text':
    case 'time':
    case 'timeframe':
    case 'id':
    case 'decimal':
      return value;
  }
}
