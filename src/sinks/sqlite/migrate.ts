import type { Database } from 'bun:sqlite';
import { MdpError } from '../../runtime/errors.ts';
import { migrations, type Migration } from './migrations.ts';

/** The schema version that this program reads and writes. */
export const schemaVersion = migrations.length;

const versionTable = `create table if not exists schema_version (
  version integer primary key,
  name text not null,
  applied_at integer not null
) strict`;

/** The version of the file's schema: 0 without one. */
function schemaVersionOf(db: Database): number {
  const exists = "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'";
  if (db.query(exists).values().length === 0) return 0;
  const [[version] = []] = db.query('select max(version) from schema_version').values();
  return Number(version ?? 0);
}

/** The migrations that the file lacks, in order. Throws `MdpError` `schema_newer`. */
function pendingMigrations(db: Database, path: string): readonly Migration[] {
  const version = schemaVersionOf(db);
  if (version > schemaVersion) {
    throw new MdpError(
      'schema_newer',
      `${path} has schema version ${version}; this program knows ${schemaVersion}`,
      {
        hint: 'run the newer version of mdp, or give this one another file',
        context: { file: path, found: version, known: schemaVersion },
      },
    );
  }
  return migrations.slice(version);
}

/** Throws `MdpError`: `schema_newer`, or `schema_missing` when the file is not at our version. */
export function requireSchema(db: Database, path: string): void {
  const pending = pendingMigrations(db, path);
  if (pending.length === 0) return;
  throw new MdpError(
    'schema_missing',
    `${path} lacks ${pending.length} of the schema's migrations`,
    {
      hint: 'run `mdp migrate`, or set database.migrate: true',
      context: { file: path, found: schemaVersion - pending.length, known: schemaVersion },
    },
  );
}

/**
 * Brings the file to our version, each migration in a transaction of its own, and returns those it
 * applied. Idempotent. `appliedAt` is in integer microseconds. Throws `MdpError` `schema_newer` and
 * what SQLite throws.
 */
export function migrateDatabase(
  db: Database,
  path: string,
  appliedAt: number,
): readonly Migration[] {
  const pending = pendingMigrations(db, path);
  for (const migration of pending) {
    db.transaction(() => {
      db.run(versionTable);
      db.run(migration.sql);
      const record = 'insert into schema_version (version, name, applied_at) values (?, ?, ?)';
      db.run(record, [migration.version, migration.name, appliedAt]);
    }).immediate();
  }
  return pending;
}

/** Everything that `migrateDatabase` would run on an empty file, as one script. */
export function migrationScript(): string {
  const scripts = migrations.map(
    ({ version, name, sql }) =>
      `-- ${version}: ${name}
begin immediate;
${sql.trimEnd()}

insert into schema_version (version, name, applied_at)
  values (${version}, '${name}', unixepoch() * 1000000);
commit;
`,
  );
  return [`${versionTable};\n`, ...scripts].join('\n');
}
