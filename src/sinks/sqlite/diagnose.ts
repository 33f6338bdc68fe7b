import { existsSync } from 'node:fs';
import { MdpError } from '../../runtime/errors.ts';
import { lockFile } from '../../runtime/file-lock.ts';
import { fail, ok, type Finding } from '../../runtime/finding.ts';
import { ledgerFinding, ledgerTotals, LEDGER_TOTALS } from '../ledger-finding.ts';
import { openForReading } from './connection.ts';
import { databaseError } from './errors.ts';
import { requireSchema, schemaVersion } from './migrate.ts';

const ABOUT = 'database';

type Options = { readonly migrate: boolean; readonly keepsAll: boolean };

/** How a database file stands: there, readable, of our schema, written by whom, and whole. */
export async function diagnoseSqlite(path: string, options: Options): Promise<readonly Finding[]> {
  if (!existsSync(path)) return [ok(ABOUT, `${path} is not there yet: the first start makes it`)];
  return [...(await contentFindings(path, options)), ...writerFinding(`${path}.lock`)];
}

async function contentFindings(
  path: string,
  { migrate, keepsAll }: Options,
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
      return [version, await ledgerFinding(ledgerTotals(row), keepsAll, trades)];
    } finally {
      db.close();
    }
  } catch (error) {
    const failure = failureFinding(databaseError(error, 'read', path));
    const curable = error instanceof MdpError && error.code === 'schema_missing' && migrate;
    return [curable ? ok(ABOUT, `${failure.text}: the next start applies them`) : failure];
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
