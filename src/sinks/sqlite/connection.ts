import { Database } from 'bun:sqlite';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { MdpError } from '../../runtime/errors.ts';
import { databaseError } from './errors.ts';

/**
 * How long a statement waits for another program's lock. Short, because SQLite waits on our only
 * thread; the caller's retry is the long wait.
 */
const BUSY_TIMEOUT_MS = 250;
/**
 * Write-ahead log at which SQLite moves pages into the file: bigger writes, fewer syncs. In pages
 * of 4 KiB.
 */
const CHECKPOINT_PAGES = 4_000;
/** What the log file is cut to after a checkpoint that emptied it. */
const LOG_FILE_BYTES = 32 * 1024 * 1024;
const WRITER_CACHE_KIB = 16 * 1024;
const READER_CACHE_KIB = 8 * 1024;

/** Opens the file for the one writer, making it and its directory. Throws `MdpError`. */
export function openForWriting(path: string): Database {
  return opened(path, () => {
    const db = new Database(path, { create: true, readwrite: true, safeIntegers: true });
    return prepared(db, () => {
      db.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
      useWriteAheadLog(db, path);
      // A commit returns when the log is on the disk: that is what settled means.
      db.run('pragma synchronous = full');
      db.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      db.run(`pragma journal_size_limit = ${LOG_FILE_BYTES}`);
      db.run(`pragma cache_size = -${WRITER_CACHE_KIB}`);
    });
  });
}

/** Opens an existing file for reading only, beside a writer or without one. Throws `MdpError`. */
export function openForReading(path: string): Database {
  if (!existsSync(path)) {
    throw new MdpError('database_away', `there is no database ${path}`, {
      hint: '`mdp run` or `mdp migrate` makes it; is database.url right?',
      context: { file: path },
    });
  }
  return opened(path, () => {
    const db = new Database(path, { readonly: true, safeIntegers: true });
    return prepared(db, () => {
      db.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
      db.run(`pragma cache_size = -${READER_CACHE_KIB}`);
    });
  });
}

/** Makes the directory of a database file. Throws `MdpError`. */
export function makeDirectoryOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new MdpError('database_refused', `cannot make the directory ${dirname(path)}`, {
      hint: 'make it by hand, writable for this user, or choose another place',
      context: { file: path },
      cause,
    });
  }
}

function opened(path: string, open: () => Database): Database {
  try {
    return open();
  } catch (error) {
    throw databaseError(error, 'open', path);
  }
}

function prepared(db: Database, prepare: () => void): Database {
  try {
    prepare();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function useWriteAheadLog(db: Database, path: string): void {
  const [[mode] = []] = db.query('pragma journal_mode = wal').values();
  if (mode === 'wal') return;
  throw new MdpError('database_refused', `${path} cannot use a write-ahead log`, {
    hint: 'put the file on a local disk',
    context: { file: path, journal_mode: String(mode) },
  });
}
