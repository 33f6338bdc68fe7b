import postgres from 'postgres';
import { postgresGapTables } from '../../src/sinks/postgres/gap-tables.ts';
import { openPostgresReader } from '../../src/sinks/postgres/reader.ts';
import type { Session } from '../../src/sinks/postgres/session.ts';
import { connectorOf } from '../../src/sinks/postgres/sink.ts';
import { createTestDatabase } from '../postgres/database.ts';
import { clock, makeSink } from '../postgres/sinks.ts';
import { describeSink, type OpenedSink } from './sink.ts';

const schema = 'mdp';
const never = new AbortController().signal;

describeSink('postgres', async (): Promise<OpenedSink> => {
  const database = await createTestDatabase();
  const { url } = database;
  let session: Session | undefined;
  const sql = postgres(url, {
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    connection: { search_path: schema },
  });
  return {
    sink: makeSink(url, { schema }),
    reader: () => openPostgresReader({ url, schema, sslmode: undefined, sslCa: undefined, clock }),
    columns: async (view) => {
      const rows = await sql.unsafe(`select * from ${view} limit 0`);
      return rows.columns.map(({ name }) => name);
    },
    texts: async (text) => {
      const rows = await sql.unsafe(text).raw();
      return rows.map((row) => row.map((cell) => (cell === null ? null : String(cell))));
    },
    gapTables: async () => {
      const options = { url, schema, sslmode: undefined, sslCa: undefined, clock };
      session = await (await connectorOf(options)).open(never);
      return postgresGapTables(session, schema, never);
    },
    cleanup: async () => {
      await session?.close();
      await sql.end({ timeout: 1 });
      await database.drop();
    },
  };
});
