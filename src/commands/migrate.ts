import { parseArgs } from 'node:util';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { maskedUrl } from '../config/secrets.ts';
import { createSink } from '../pipeline/build.ts';
import { createLog } from '../runtime/json-log.ts';
import { parseDatabaseUrl } from '../sinks/database-url.ts';
import { migrationScript as postgresScript } from '../sinks/postgres/migrations.ts';
import { migrationScript as sqliteScript } from '../sinks/sqlite/migrate.ts';
import { EXIT, type CommandContext } from './context.ts';

const MIGRATE_HELP = `mdp migrate [--print [--timescaledb]] [--config PATH]

Brings the configured database to this program's schema: makes what is missing, changes
nothing where nothing is. Needed by hand only where database.migrate is false.

  --print           write the SQL for an empty database instead, and touch nothing
  --timescaledb     with --print: the SQL for hypertables instead of partitions
  --config PATH     configuration file (default: ./config.yaml, else the built-in one)

Examples:
  mdp migrate
  DATABASE_URL=postgres://owner@host/db mdp migrate
  mdp migrate --print > schema.sql

Exit codes: 0 the schema is there, 1 failed, 2 usage or configuration.
`;

/** `mdp migrate`: the schema made, or printed. */
export const migrateCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      print: { type: 'boolean' },
      timescaledb: { type: 'boolean' },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(MIGRATE_HELP);
    return EXIT.fine;
  }
  const { config } = loadConfig({
    path: values.config,
    sources: 'ignored',
  });
  if (values.print === true) {
    context.stdout.write(scriptOf(config.database, values.timescaledb === true));
    return EXIT.fine;
  }
  await migrate(config, context);
  context.stdout.write(`the schema is there: ${maskedUrl(config.database.url)}\n`);
  return EXIT.fine;
};

const scriptOf = ({ url, schema }: Config['database'], timescaledb: boolean): string => {
  if (parseDatabaseUrl(url)?.kind === 'sqlite') return sqliteScript();
  const storage = timescaledb ? 'timescaledb' : 'native';
  return postgresScript({ schema, storage, timescaleSchema: 'public' });
};

/** A sink migrates when it is opened. */
const migrate = async (config: Config, context: CommandContext): Promise<void> => {
  const log = createLog({
    level: config.log.level,
    format: 'text',
    now: () => context.clock.now(),
    write: (line) => context.stderr.write(line),
  });
  const migrating = { ...config, database: { ...config.database, migrate: true } };
  const sink = createSink(migrating, { clock: context.clock, random: Math.random, log });
  try {
    await sink.open(context.finish);
  } finally {
    await sink.close();
  }
};
