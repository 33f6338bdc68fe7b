import type { Finding } from '../runtime/finding.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { diagnosePostgres } from './postgres/diagnose.ts';
import type { ConnectionOptions } from './postgres/sink.ts';
import { diagnoseSqlite } from './sqlite/diagnose.ts';

export type DiagnoseOptions = ConnectionOptions & {
  /** Whether missing migrations would be applied at the start. */
  readonly migrate: boolean;
  /** No retention removes rows. */
  readonly keepsAll: boolean;
  /** `sink.workers`, a connection each. */
  readonly workers: number;
};

/**
 * How the database that `options.url` names stands. Changes nothing there but gap rows, which it
 * holds against the trades, and never throws.
 */
export const diagnoseDatabase = (
  options: DiagnoseOptions,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const database = parseDatabaseUrl(options.url);
  if (database?.kind !== 'sqlite') return diagnosePostgres(options, signal);
  return diagnoseSqlite(database.path, options, signal);
};
