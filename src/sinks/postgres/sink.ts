/**
 * PostgreSQL and TimescaleDB: binary COPY at full speed, and no fault that loses or doubles a row.
 *
 * Owns the schema, its partitions and its sessions. Promises that a commit which resolved is on the
 * server's disk (as far as the server's own settings go), that every call settles within its
 * deadlines, and that committing a batch again leaves one copy. Will not hold, retry or drop a
 * batch: that is the caller's; nor work behind a pooler in transaction mode.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../runtime/clock.ts';
import { MdpError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { recountGaps } from '../gap-recount.ts';
import type { Sink } from '../sink.ts';
import { parseAddress, type SslMode } from './address.ts';
import { clearCut, lockAlone, lockAsWriter } from './clear.ts';
import { Connector } from './connector.ts';
import { postgresGapTables } from './gap-tables.ts';
import { migrateSchema, requireSchema, type Schema } from './migrate.ts';
import type { Deadlines, Session } from './session.ts';
import { Upkeep } from './upkeep.ts';
import { PostgresWorker } from './worker.ts';

export type PostgresSinkOptions = {
  /** `postgres://…`, also with several hosts. */
  readonly url: string;
  readonly schema: string;
  /**
   * Whether missing migrations are applied at open; otherwise a schema that lacks them is refused.
   */
  readonly migrate: boolean;
  /** Overrides the URL's; default: the URL's, else `prefer`. */
  readonly sslmode: SslMode | undefined;
  /** Path of a PEM file; overrides the URL's `sslrootcert`. */
  readonly sslCa: string | undefined;
  /** Rows older than this are dropped; undefined keeps them. */
  readonly retentionMs: number | undefined;
  /** TimescaleDB compresses rows older than this; undefined: never. */
  readonly compressAfterMs: number | undefined;
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly deadlines?: Deadlines;
};

const defaultDeadlines: Deadlines = { connectMs: 5_000, statementMs: 20_000 };

/**
 * Throws `config` for a URL that cannot be used; everything else comes from `open` and `commit`.
 */
export function createPostgresSink(options: PostgresSinkOptions): Sink {
  const { schema, log } = options;
  parseAddress(options.url);
  let connector: Promise<Connector> | undefined;
  let prepared: Promise<Schema> | undefined;
  let upkeep: Upkeep | undefined;
  /** Keeps every other writer out. */
  let alone: Session | undefined;
  const workers = new Set<PostgresWorker>();

  /** Once for all workers; after a failure the next one tries again. */
  const prepare = (via: Connector, signal: AbortSignal): Promise<Schema> => {
    prepared ??= prepareSchema(via, options, signal).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  };

  return {
    name: 'postgres',
    maxWorkers: options.workers,
    open: async (signal) => {
      connector ??= connectorOf(options);
      const via = await connector;
      const { storage } = await prepare(via, signal);
      if (upkeep === undefined) {
        upkeep = new Upkeep({ ...options, connector: via, storage });
        upkeep.start();
      }
      const worker: PostgresWorker = new PostgresWorker({
        connector: via,
        schema,
        storage,
        shared: alone === undefined,
        onClose: () => workers.delete(worker),
      });
      await worker.open(signal);
      workers.add(worker);
      log.debug('database worker open', { schema, storage });
      return worker;
    },
    clear: async (cut, signal) => {
      connector ??= connectorOf(options);
      const via = await connector;
      await prepare(via, signal);
      alone = await via.open(signal);
      await lockAlone(alone, schema, signal);
      return clearCut(alone, schema, cut, signal);
    },
    recountGaps: async (scope, signal) => {
      connector ??= connectorOf(options);
      const via = await connector;
      await prepare(via, signal);
      const session = await via.open(signal);
      try {
        if (alone === undefined) await lockAsWriter(session, schema, signal);
        return await recountGaps(postgresGapTables(session, schema, signal), scope, signal);
      } finally {
        await session.close();
      }
    },
    close: async () => {
      await upkeep?.close();
      await Promise.all([...workers].map((worker) => worker.close()));
      await alone?.close();
    },
  };
}

async function prepareSchema(
  connector: Connector,
  { schema, migrate, log }: PostgresSinkOptions,
  signal: AbortSignal,
): Promise<Schema> {
  const session = await connector.open(signal);
  try {
    if (migrate) return await migrateSchema(session, schema, log, signal);
    return await requireSchema(session, schema, signal);
  } finally {
    await session.close();
  }
}

export type ConnectionOptions = Pick<
  PostgresSinkOptions,
  'url' | 'schema' | 'sslmode' | 'sslCa' | 'clock' | 'deadlines'
>;

/** Throws `config`. */
export async function connectorOf(options: ConnectionOptions): Promise<Connector> {
  const parsed = parseAddress(options.url);
  const sslmode = options.sslmode ?? parsed.sslmode;
  const path = options.sslCa ?? parsed.sslRootCert;
  return new Connector({
    address: { ...parsed, sslmode },
    ca: path === undefined || path === 'system' ? undefined : await readCa(path),
    schema: options.schema,
    clock: options.clock,
    deadlines: options.deadlines ?? defaultDeadlines,
  });
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new MdpError('config', `the CA file ${path} cannot be read`, {
      hint: 'set database.ssl_ca to a readable PEM file',
      cause: error,
    });
  }
}
