import type { Log } from '../../runtime/log.ts';
import { MdpError } from '../../runtime/errors.ts';
import {
  migrations,
  migrationStatements,
  quoteName,
  quoteText,
  schemaVersionOf,
  versionTable,
  type Migration,
  type Storage,
} from './migrations.ts';
import type { Session } from './session.ts';

/** Time for all migrations together, and for another program that migrates at the moment. */
const migrateDeadlineMs = 120_000;

export type Schema = { readonly storage: Storage; readonly version: number };

/**
 * Brings the schema to our version, under an advisory lock, each migration in a transaction of its
 * own. Idempotent. Throws `MdpError` `schema_newer`.
 */
export async function migrateSchema(
  session: Session,
  schema: string,
  log: Log,
  signal: AbortSignal,
  all: readonly Migration[] = migrations,
): Promise<Schema> {
  const found = await findSchema(session, schema, signal);
  if (found !== undefined && !isBehind(found, all)) return found;
  const run = (text: string) => session.query(text, [], signal, migrateDeadlineMs);
  const lock = `hashtextextended(${quoteText(`mdp.migrate.${schema}`)}, 0)`;
  await run(`set statement_timeout = 0; select pg_advisory_lock(${lock})`);
  try {
    // A writer of an older program holds its locks for moments only; whoever waits for ours must
    // not wait for long.
    await run("set lock_timeout = '10s'");
    return await applyMissing(session, schema, log, signal, all);
  } finally {
    if (!session.over) {
      await run(`select pg_advisory_unlock(${lock}); reset lock_timeout; reset statement_timeout`);
    }
  }
}

/** Throws `MdpError`: `schema_newer`, or `schema_missing` when the schema is not at our version. */
export async function requireSchema(
  session: Session,
  schema: string,
  signal: AbortSignal,
): Promise<Schema> {
  const found = await findSchema(session, schema, signal);
  if (found !== undefined && !isBehind(found, migrations)) return found;
  throw new MdpError('schema_missing', `schema ${schema} lacks migrations of this program`, {
    retry: true,
    hint: 'run `mdp migrate`, or set database.migrate: true',
    context: { schema, found: found?.version ?? 0, known: schemaVersionOf(migrations) },
  });
}

async function applyMissing(
  session: Session,
  schema: string,
  log: Log,
  signal: AbortSignal,
  all: readonly Migration[],
): Promise<Schema> {
  const found = await findSchema(session, schema, signal);
  if (found === undefined) await createVersionTable(session, schema, signal);
  const storage = found?.storage ?? (await chooseStorage(session, signal));
  const timescaleSchema = (await timescaleSchemaOf(session, signal)) ?? 'public';
  for (const migration of all.filter(({ version }) => version > (found?.version ?? 0))) {
    const text = migrationStatements(migration, { schema, storage, timescaleSchema });
    await session.query(text, [], signal, migrateDeadlineMs);
    log.info('migrated', { schema, version: migration.version, migration: migration.name });
  }
  return { storage, version: schemaVersionOf(all) };
}

/**
 * Undefined where no migration ever ran. Throws `schema_newer` where a later program's schema
 * leaves us no place.
 */
async function findSchema(
  session: Session,
  schema: string,
  signal: AbortSignal,
): Promise<Schema | undefined> {
  const table = `${quoteName(schema)}.schema_version`;
  const exists = await session.query(
    `select to_regclass(${quoteText(table)}) is not null as exists`,
    [],
    signal,
  );
  if (exists.rows[0]?.['exists'] !== true) return undefined;
  const { rows } = await session.query(
    `select version, storage, coalesce(compatible_from, version) as compatible_from
     from ${table} order by version desc limit 1`,
    [],
    signal,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const version = Number(row['version']);
  const known = schemaVersionOf(migrations);
  if (version > known && Number(row['compatible_from']) > known) throw newer(schema, version);
  return { version, storage: row['storage'] === 'timescaledb' ? 'timescaledb' : 'native' };
}

function isBehind(found: Schema, all: readonly Migration[]): boolean {
  return found.version < schemaVersionOf(all);
}

function newer(schema: string, version: number): MdpError {
  const known = schemaVersionOf(migrations);
  return new MdpError(
    'schema_newer',
    `schema ${schema} has version ${version}; this program knows ${known}`,
    {
      hint: 'run the newer version of mdp, or set database.schema to another name',
      context: { schema, found: version, known },
    },
  );
}

async function createVersionTable(
  session: Session,
  schema: string,
  signal: AbortSignal,
): Promise<void> {
  // `create schema if not exists` needs the right to create even where the schema is there.
  const { rows } = await session.query(
    `select to_regnamespace(${quoteText(quoteName(schema))}) is not null as exists`,
    [],
    signal,
  );
  const create = rows[0]?.['exists'] === true ? '' : `create schema ${quoteName(schema)};\n`;
  await session.query(create + versionTable(schema), [], signal, migrateDeadlineMs);
}

/**
 * TimescaleDB where it is in this database already or lets us create it; else native partitions.
 */
async function chooseStorage(session: Session, signal: AbortSignal): Promise<Storage> {
  if ((await timescaleSchemaOf(session, signal)) !== undefined) return 'timescaledb';
  // Where its library is not preloaded, `create extension` ends the session. Everyone may see the
  // settings that a preloaded library brings.
  const { rows } = await session.query(
    `select to_regnamespace('public') is not null as has_public
     from pg_available_extensions where name = 'timescaledb'
       and exists (select from pg_settings where name like 'timescaledb.%')`,
    [],
    signal,
  );
  if (rows.length === 0) return 'native';
  try {
    // Where everyone looks for it, and not in our schema, which comes first in our search path.
    const where = rows[0]?.['has_public'] === true ? 'schema public' : '';
    const create = `create extension if not exists timescaledb ${where}`;
    await session.query(create, [], signal, migrateDeadlineMs);
    return 'timescaledb';
  } catch (error) {
    // No right to: then the server is as one without it. A lost session is
    // another matter.
    if (session.over) throw error;
    return 'native';
  }
}

/** The schema that holds the TimescaleDB extension; undefined where the database has none. */
export async function timescaleSchemaOf(
  session: Session,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { rows } = await session.query(
    `select n.nspname as name from pg_extension e join pg_namespace n on n.oid = e.extnamespace
     where e.extname = 'timescaledb'`,
    [],
    signal,
  );
  const name = rows[0]?.['name'];
  return typeof name === 'string' ? name : undefined;
}
