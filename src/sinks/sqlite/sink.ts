import type { Clock } from '../../runtime/clock.ts';
import { lockFile } from '../../runtime/file-lock.ts';
import type { Log } from '../../runtime/log.ts';
import { MdpError } from '../../runtime/errors.ts';
import { recountGaps } from '../gap-recount.ts';
import type { Sink } from '../sink.ts';
import { makeDirectoryOf, openForWriting } from './connection.ts';
import { databaseError } from './errors.ts';
import { migrateDatabase, requireSchema, schemaVersion } from './migrate.ts';
import { SqliteWorker } from './worker.ts';

/**
 * SQLite: one file, one writing process, any number of readers beside it.
 *
 * Owns the file, its write-ahead log and the lock beside it (`PATH.lock`). Promises that what a
 * commit reported is on the disk, and that readers never hold a commit back (one that stays in a
 * query lets the log grow meanwhile). Will not share the file with a second writer, nor work on a
 * file system without locks. SQLite runs on the calling thread: a commit of 10,000 trades holds it
 * for some tens of milliseconds.
 */
export function createSqliteSink(options: SqliteSinkOptions): Sink {
  let worker: SqliteWorker | undefined;
  /** Has cleared, and waits to be opened. */
  let ready: SqliteWorker | undefined;
  return {
    name: 'sqlite',
    maxWorkers: 1,
    open: (signal) =>
      Promise.try(() => {
        if (signal.aborted) throw new MdpError('aborted', 'open aborted before it began');
        worker = ready ?? openWorker(options);
        ready = undefined;
        return worker;
      }),
    clear: (cut) =>
      Promise.try(() => {
        worker = openWorker(options);
        ready = worker;
        return worker.clear(cut);
      }),
    recountGaps: async (scope, signal) => {
      if (worker === undefined || worker.closed) {
        worker = openWorker(options);
        ready = worker;
      }
      return recountGaps(worker.gapTables(), scope, signal);
    },
    close: async () => worker?.close(),
  };
}

export type SqliteSinkOptions = {
  readonly path: string;
  /**
   * Whether missing migrations are applied at open; otherwise a file that lacks them is refused.
   */
  readonly migrate: boolean;
  readonly clock: Clock;
  readonly log: Log;
};

function openWorker({ path, migrate, clock, log }: SqliteSinkOptions): SqliteWorker {
  makeDirectoryOf(path);
  const lock = lockFile(`${path}.lock`);
  try {
    const db = openForWriting(path);
    try {
      if (migrate) reportMigrations(migrateDatabase(db, path, clock.now()), path, log);
      else requireSchema(db, path);
      return new SqliteWorker(db, path, () => lock.release());
    } catch (error) {
      db.close();
      throw databaseError(error, 'migrate', path);
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

function reportMigrations(applied: readonly unknown[], path: string, log: Log): void {
  if (applied.length === 0) return;
  log.info('database migrated', { file: path, applied: applied.length, version: schemaVersion });
}
