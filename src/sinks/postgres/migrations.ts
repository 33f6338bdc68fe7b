import hypertables from './migrations/0001_hypertables.sql' with { type: 'text' };
import tables from './migrations/0001_tables.sql' with { type: 'text' };
import views from './migrations/0002_views.sql' with { type: 'text' };

/** How trades, quotes and bars are cut by time: decided at the first migration, and kept. */
export type Storage = 'native' | 'timescaledb';

export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Behind `sql`, where TimescaleDB stores the rows. */
  readonly timescale?: string;
  /**
   * The oldest program's schema version that can go on working in this schema; without it, this
   * version.
   */
  readonly compatibleFrom?: number;
};

/**
 * In order, versions from 1 without a hole. Expand, then contract: an older program must be able to
 * go on while a newer one has already migrated. A released migration is never edited.
 */
export const migrations: readonly Migration[] = [
  { version: 1, name: 'tables', sql: tables, timescale: hypertables },
  { version: 2, name: 'views', sql: views },
];

/** The last of `all`: what this program reads and writes. */
export function schemaVersionOf(all: readonly Migration[]): number {
  return all.at(-1)?.version ?? 0;
}

export type ScriptOptions = {
  /** A name without quotes. */
  readonly schema: string;
  readonly storage: Storage;
  /** The schema that holds the TimescaleDB extension. */
  readonly timescaleSchema: string;
};

/**
 * A migration's statements, its own record in `schema_version` last: sent at once, they are one
 * transaction.
 */
export function migrationStatements(migration: Migration, options: ScriptOptions): string {
  const native = options.storage === 'native';
  const body = native ? migration.sql : migration.sql + (migration.timescale ?? '');
  const statements = body
    .replaceAll('{schema}', quoteName(options.schema))
    .replaceAll('{timescale}', quoteName(options.timescaleSchema))
    .replaceAll('{by_ts}', native ? 'partition by range (ts)' : '');
  const { version, name, compatibleFrom } = migration;
  return `${statements.trimEnd()}

insert into ${quoteName(options.schema)}.schema_version (version, name, storage, compatible_from)
  values (${version}, '${name}', '${options.storage}', ${compatibleFrom ?? 'null'});
`;
}

/**
 * The table that the migrations record themselves in; `if not exists`, as it comes before the lock
 * can be asked.
 */
export function versionTable(schema: string): string {
  return `create table if not exists ${quoteName(schema)}.schema_version (
  version int primary key,
  name text not null default '',
  applied_at timestamptz not null default now(),
  storage text not null default 'native',
  -- The oldest schema version whose programs can go on in this one; null: only its own.
  compatible_from int
);
`;
}

/** Everything that a migration of an empty database runs, as one script. */
export function migrationScript(options: ScriptOptions): string {
  const schema = quoteName(options.schema);
  const scripts = migrations.map(
    (migration) => `-- ${migration.version}: ${migration.name}
begin;
${migrationStatements(migration, options)}commit;
`,
  );
  const timescale = quoteName(options.timescaleSchema);
  const extension =
    options.storage === 'timescaledb'
      ? `create extension if not exists timescaledb schema ${timescale};\n\n`
      : '';
  const table = versionTable(options.schema);
  return [`${extension}create schema if not exists ${schema};\n\n${table}`, ...scripts].join('\n');
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
