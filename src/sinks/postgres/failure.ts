import postgres from 'postgres';
import { MdpError, type ErrorCode } from '../../runtime/errors.ts';

/**
 * What a refused statement means for its rows. `duplicate`: a key is already there. `no_partition`:
 * make it and go on. `row`: some row can never be stored. `conflict`: the same again at once.
 * `too_much`: fewer rows at a time. `held`: none of the rows' doing; the batch waits.
 */
export type Fault = 'duplicate' | 'no_partition' | 'row' | 'conflict' | 'too_much' | 'held';

/**
 * Decided by SQLSTATE alone: https://www.postgresql.org/docs/current/errcodes-appendix.html (read
 * 2026-11-23).
 */
export function faultOf(error: unknown): Fault {
  const sqlstate = sqlstateOf(error);
  if (sqlstate === undefined) return 'held';
  if (sqlstate === '23505') return 'duplicate';
  // A check constraint has a name; the lack of a partition shares its code and has none.
  if (sqlstate === '23514' && contextOf(error, 'constraint') === undefined) return 'no_partition';
  if (sqlstate === '40001' || sqlstate === '40P01') return 'conflict';
  if (sqlstate === '53400') return 'too_much';
  return sqlstate.startsWith('22') || sqlstate.startsWith('23') ? 'row' : 'held';
}

/** A closed name for a dead letter. */
export function reasonOf(sqlstate: string): string {
  return sqlstate.startsWith('23') ? 'constraint_violation' : 'data_exception';
}

export function sqlstateOf(error: unknown): string | undefined {
  const sqlstate = contextOf(error, 'sqlstate');
  return typeof sqlstate === 'string' ? sqlstate : undefined;
}

function contextOf(error: unknown, name: string): string | number | boolean | undefined {
  return error instanceof MdpError ? error.context[name] : undefined;
}

/**
 * Whether the connection is of no further use: everything that is not an SQL error, the fatal ones,
 * and a server that has become read-only, where another host may be the primary by now.
 */
export function endsSession(error: unknown): boolean {
  if (!(error instanceof postgres.PostgresError)) return true;
  return isFatal(error) || error.code === '25006';
}

function isFatal({ code, severity }: postgres.PostgresError): boolean {
  return severity !== 'ERROR' || code.startsWith('08') || code.startsWith('57P0');
}

/**
 * Any failure as the one error class. The driver's error is not kept as the cause: its message,
 * detail and parameters hold row values.
 */
export function failureOf(error: unknown): MdpError {
  if (error instanceof MdpError) return error;
  if (error instanceof postgres.PostgresError) return sqlFailure(error);
  const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return new MdpError('database_away', `the connection to PostgreSQL failed: ${errno}`, {
    retry: true,
    context: { errno },
  });
}

function sqlFailure(error: postgres.PostgresError): MdpError {
  const hint = hintOf(error.code);
  const table = error.table_name;
  const constraint = error.constraint_name;
  return new MdpError(codeOf(error), `PostgreSQL refused with SQLSTATE ${error.code}`, {
    retry: true,
    ...(hint === undefined ? {} : { hint }),
    context: {
      sqlstate: error.code,
      ...(table === undefined ? {} : { table }),
      ...(constraint === undefined ? {} : { constraint }),
    },
  });
}

function codeOf(error: postgres.PostgresError): ErrorCode {
  if (isFatal(error)) return 'database_away';
  if (error.code === '53100') return 'disk';
  return error.code === '55P03' ? 'locked' : 'database_refused';
}

const hints: readonly (readonly [prefix: string, hint: string])[] = [
  ['25006', 'the server is read-only (a standby?); name the primary in database.url'],
  ['28', 'the server refused the user or password of database.url'],
  ['3D000', 'the database of database.url does not exist; create it'],
  ['3F000', 'the schema is missing; run mdp migrate'],
  ['42P01', 'a table is missing; run mdp migrate'],
  ['42703', 'a column is missing; run mdp migrate'],
  ['42501', 'the role lacks a grant on this table'],
  ['53100', 'the disk of the database server is full'],
  ['53300', 'the server has no free connection; raise max_connections or lower sink.workers'],
  ['55P03', 'another session holds a lock; look at pg_locks and pg_stat_activity'],
  ['57014', 'the statement took longer than its deadline; look at pg_stat_activity'],
];

function hintOf(sqlstate: string): string | undefined {
  return hints.find(([prefix]) => sqlstate.startsWith(prefix))?.[1];
}
