import { MdpError } from '../runtime/errors.ts';
import { parseDatabaseUrl } from './database-url.ts';
import type { Reader } from './reader.ts';
import { openSqliteReader } from './sqlite/reader.ts';

export type ReaderSettings = { readonly url: string; readonly schema: string };

/** The reader of the database that `url` names. Throws `MdpError`. */
export function openReader({ url }: ReaderSettings): Promise<Reader> {
  const database = parseDatabaseUrl(url);
  if (database?.kind === 'sqlite') return openSqliteReader(database.path);
  throw new MdpError('usage', 'PostgreSQL is read by psql for now');
}
