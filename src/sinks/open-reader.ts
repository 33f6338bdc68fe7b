import { parseDatabaseUrl } from './database-url.ts';
import { openPostgresReader } from './postgres/reader.ts';
import type { ConnectionOptions } from './postgres/sink.ts';
import type { Reader } from './reader.ts';
import { openSqliteReader } from './sqlite/reader.ts';

/**
 * The reader of the database that `options.url` names; the other options are PostgreSQL's. Throws
 * `MdpError`.
 */
export function openReader(options: ConnectionOptions, signal: AbortSignal): Promise<Reader> {
  const database = parseDatabaseUrl(options.url);
  if (database?.kind === 'sqlite') return openSqliteReader(database.path);
  return openPostgresReader(options, signal);
}
