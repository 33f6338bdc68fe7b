import { SQLiteError } from 'bun:sqlite';
import { MdpError, type ErrorCode } from '../../runtime/errors.ts';
import type { RejectedRow } from '../sink.ts';

/** Why SQLite refused a row: closed. `out_of_range` is an integer beyond 64 bits. */
export type RefusedReason = 'out_of_range' | 'constraint' | 'datatype' | 'too_big';

type Verdict = { readonly code: ErrorCode; readonly retry: boolean; readonly hint: string };

/** By SQLite's primary result code, https://www.sqlite.org/rescode.html (read 2026-11-23). */
const verdicts: ReadonlyMap<number, Verdict> = new Map([
  [3, refused('give this user read and write rights on the file and its directory')],
  [5, busy()],
  [6, busy()],
  [7, { code: 'disk', retry: true, hint: 'give the process more memory' }],
  [8, refused('the file or its directory is read-only: give this user write rights')],
  [10, { code: 'disk', retry: true, hint: 'check the disk: reading or writing failed' }],
  [11, refused('the file is damaged: run `sqlite3 FILE .recover` into a new one')],
  [13, { code: 'disk', retry: true, hint: 'make room on the disk' }],
  [14, refused('give this user read and write rights on the file and its directory')],
  [26, refused('the file is no SQLite database: choose another path')],
]);

function refused(hint: string): Verdict {
  return { code: 'database_refused', retry: false, hint };
}

function busy(): Verdict {
  return { code: 'locked', retry: true, hint: 'another program holds a write lock: end it' };
}

const unknown = refused('see the code; `mdp doctor` checks the schema');

/**
 * An `MdpError` for what SQLite threw while doing `what` to the file; everything else unchanged.
 */
export function databaseError(error: unknown, what: string, path: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const { code, retry, hint } = verdicts.get(primaryCode(error)) ?? unknown;
  const sqlite = error.code ?? String(error.errno);
  return new MdpError(code, `cannot ${what} ${path}: ${sqlite}`, {
    retry,
    hint,
    context: { file: path, sqlite },
    cause: error,
  });
}

/** Why a row, and only this row, was refused; undefined when the error is not about the row. */
export function refusedReason(error: unknown): RefusedReason | undefined {
  // bun:sqlite refuses to bind a bigint beyond 64 bits.
  if (error instanceof RangeError) return 'out_of_range';
  if (!(error instanceof SQLiteError)) return undefined;
  if (error.errno === CONSTRAINT_DATATYPE) return 'datatype';
  return rowFaults.get(primaryCode(error));
}

const CONSTRAINT_DATATYPE = 3091;
const rowFaults: ReadonlyMap<number, RefusedReason> = new Map([
  [18, 'too_big'],
  [19, 'constraint'],
  [20, 'datatype'],
]);

/** The extended code's lowest byte. */
function primaryCode(error: SQLiteError): number {
  return error.errno & 0xff;
}

export function rejectedRow(index: number, reason: RefusedReason): RejectedRow {
  return { index, reason, sqlstate: undefined };
}
