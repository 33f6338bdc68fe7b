import * as v from 'valibot';
import { duration } from '../runtime/quantities.ts';
import { parseDatabaseUrl } from './database-url.ts';

const HOUR_MS = 3_600_000;
const CENTURY_MS = 36_525 * 24 * HOUR_MS;

/** An identifier that PostgreSQL takes unquoted and does not keep for itself. */
const schemaForm = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/;

/** `database.*`: where rows go, and what is kept there. */
export const databaseSettings = v.strictObject({
  url: v.optional(
    v.pipe(
      v.string(),
      v.check((url) => parseDatabaseUrl(url) !== undefined),
      v.metadata({ allowed: 'postgres://… or sqlite:PATH' }),
      v.description('where rows go: a PostgreSQL server, or a file of the embedded SQLite'),
    ),
    'sqlite:./data/mdp.db',
  ),
  schema: v.optional(
    v.pipe(
      v.string(),
      v.regex(schemaForm),
      v.metadata({ allowed: 'a lower-case name of letters, digits and _, not pg_…' }),
      v.description('schema that holds tables and views; PostgreSQL only'),
    ),
    'mdp',
  ),
  migrate: v.optional(
    v.pipe(
      v.boolean(),
      v.description('whether missing migrations are applied at start; else by `mdp migrate` only'),
    ),
    true,
  ),
  sslmode: v.optional(
    v.pipe(
      v.picklist(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']),
      v.description(
        'encryption and its proof, in place of the sslmode in the URL; PostgreSQL only',
      ),
    ),
  ),
  ssl_ca: v.optional(
    v.pipe(
      v.string(),
      v.nonEmpty(),
      v.metadata({ allowed: 'the path of a file' }),
      v.description('PEM file of the CAs that the server certificate must come from'),
    ),
  ),
  store: v.optional(
    v.pipe(
      v.array(v.picklist(['trades', 'quotes', 'bars'])),
      v.minLength(1, 'at least one'),
      v.description('which rows are stored; gaps always are'),
    ),
    ['trades', 'quotes', 'bars'],
  ),
  retention: v.optional(
    v.pipe(
      v.union([v.literal('keep'), duration(HOUR_MS, CENTURY_MS)]),
      v.metadata({ allowed: '`keep`, or a time from 1h to 100 years, like 30d' }),
      v.description('age at which trades, quotes and bars are dropped; PostgreSQL only'),
    ),
    'keep',
  ),
  compress_after: v.optional(
    v.pipe(
      duration(HOUR_MS, CENTURY_MS),
      v.description('age at which chunks are compressed; TimescaleDB only'),
    ),
    '7d',
  ),
});

/** `sink.*`: how batches are committed. */
export const sinkSettings = v.strictObject({
  workers: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(32),
      v.description('concurrent commits, each on its own connection; SQLite has one'),
      v.metadata({ unit: 'connections' }),
    ),
    2,
  ),
  backpressure_policy: v.optional(
    v.pipe(
      v.picklist(['block', 'drop_oldest', 'drop_newest']),
      v.description(
        'at a full sink queue: the reader waits, or batches of trades and quotes are dropped',
      ),
    ),
    'block',
  ),
});
