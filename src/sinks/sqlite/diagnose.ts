import { existsSync } from 'node:fs';
import { MdpError } from '../../runtime/errors.ts';
import { lockFile } from '../../runtime/file-lock.ts';
import { fail, ok, type Finding } from '../../runtime/finding.ts';
import { openForReading } from './connection.ts';
import { databaseError } from './errors.ts';
import { requireSchema, schemaVersion } from './migrate.ts';

const ABOUT = 'database';

/** How a database file stands: there, readable, of our schema, and written by whom. */
export function diagnoseSqlite(path: string, migrate: boolean): readonly Finding[] {
  if (!existsSync(path)) return [ok(ABOUT, `${path} is not there yet: the first start makes it`)];
  return [schemaFinding(path, migrate), ...writerFinding(`${path}.lock`)];
}

function schemaFinding(path: string, migrate: boolean): Finding {
  try {
    const db = openForReading(path);
    try {
      requireSchema(db, path);
      return ok(ABOUT, `${path} has schema version ${schemaVersion}`);
    } finally {
      db.close();
    }
  } catch (error) {
    const failure = failureFinding(databaseError(error, 'read', path));
    const curable = error instanceof MdpError && error.code === 'schema_missing' && migrate;
    return curable ? ok(ABOUT, `${failure.text}: the next start applies them`) : failure;
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
