import type { Database } from 'bun:sqlite';
import { existsSync } from 'node:fs';
import { MdpError } from '../../runtime/errors.ts';
import { lockFile, type FileLock } from '../../runtime/file-lock.ts';
import { fail, ok, type Finding } from '../../runtime/finding.ts';
import { ALL_GAPS, recountGaps } from '../gap-recount.ts';
import { gapsFinding } from '../gaps-finding.ts';
import { ledgerFinding, ledgerTotals, LEDGER_TOTALS } from '../ledger-finding.ts';
import { openForReading, openForWriting } from './connection.ts';
import { databaseError } from './errors.ts';
import { sqliteGapTables } from './gap-tables.ts';
import { requireSchema, schemaVersion } from './migrate.ts';

const ABOUT = 'database';

type Options = { readonly migrate: boolean; readonly keepsAll: boolean };

/** How a database file stands: there, readable, of our schema, written by whom, and whole. */
export async function diagnoseSqlite(
  path: string,
  options: Options,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (!existsSync(path)) return [ok(ABOUT, `${path} is not there yet: the first start makes it`)];
  return [...(await contentFindings(path, options, signal)), ...writerFinding(`${path}.lock`)];
}

async function contentFindings(
  path: string,
  { migrate, keepsAll }: Options,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    const db = openForReading(path);
    try {
      requireSchema(db, path);
      const version = ok(ABOUT, `${path} has schema version ${schemaVersion}`);
      const row = db
        .query<Record<string, unknown>, []>(`select ${LEDGER_TOTALS} from ledger`)
        .get();
      const trades = (): Promise<bigint> =>
        Promise.try(() => BigInt(String(db.query('select count(*) from trade').values()[0]?.[0])));
      return [
        version,
        await ledgerFinding(ledgerTotals(row), keepsAll, trades),
        await holesFinding(path, db, signal),
      ];
    } finally {
      db.close();
    }
  } catch (error) {
    const failure = failureFinding(databaseError(error, 'read', path));
    const curable = error instanceof MdpError && error.code === 'schema_missing' && migrate;
    return [curable ? ok(ABOUT, `${failure.text}: the next start applies them`) : failure];
  }
}

/**
 * The gap rows against the trades: brings them up to date where nobody else writes. The file is
 * opened for writing only when there is something to write.
 */
async function holesFinding(
  path: string,
  reading: Database,
  signal: AbortSignal,
): Promise<Finding> {
  let lock: FileLock | undefined;
  let writer: Database | undefined;
  const writing = (): Database => {
    lock ??= lockFile(`${path}.lock`);
    writer ??= openForWriting(path);
    return writer;
  };
  const recount = () => recountGaps(sqliteGapTables({ path, reading, writing }), ALL_GAPS, signal);
  try {
    return await gapsFinding(recount, {
      isRefused: ({ code }) => code === 'database_refused',
      cure: `give this user write rights on ${path} and its directory`,
    });
  } finally {
    writer?.close();
    lock?.release();
  }
}

/** Nothing where nobody writes: then it is free for us. */
function writerFinding(lock: string): readonly Finding[] {
  if (!existsSync(lock)) return [];
  try {
    lockFile(lock).release();
    return [];
  } catch (error) {
    if (error instanceof MdpError && error.code === 'locked') {
      return [ok(ABOUT, `${error.message}: it runs now, and a second writer would have to wait`)];
    }
    return [failureFinding(error)];
  }
}

function failureFinding(error: unknown): Finding {
  if (!(error instanceof MdpError)) throw error;
  return fail(ABOUT, error.message, error.hint ?? 'is the path of database.url right?');
}
