import type { Clock, Timer } from '../../runtime/clock.ts';
import { MdpError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Connector } from './connector.ts';
import { timescaleSchemaOf } from './migrate.ts';
import { quoteName, quoteText, type Storage } from './migrations.ts';
import { Partitions, timedTables } from './partitions.ts';
import type { Session } from './session.ts';

export type UpkeepOptions = {
  readonly connector: Connector;
  readonly schema: string;
  readonly storage: Storage;
  /** Rows older than this may go; undefined keeps them all. */
  readonly retentionMs: number | undefined;
  /** TimescaleDB only; undefined never compresses. */
  readonly compressAfterMs: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
};

const upkeepEveryMs = 600_000;
const dayUs = 86_400_000_000;

/**
 * What no batch waits for: tomorrow's partitions, and dropping what retention has let go. On a
 * short connection of its own, at the start and every ten minutes or so; a round that fails is
 * logged and done again by the next.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stop = new AbortController();
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#round = this.#tend();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await this.#round;
  }

  async #tend(): Promise<void> {
    const { clock, log, random, storage } = this.#options;
    try {
      await tend(this.#options, this.#stop.signal);
      // Its own jobs do the rest, and would start from anew if they were set again.
      if (storage === 'timescaledb') return;
    } catch (error) {
      // No row waits for this: a missing partition is made by the batch that needs it, and an old
      // one can wait.
      if (!this.#stop.signal.aborted) log.warn('database upkeep failed', failureFields(error));
    }
    if (this.#stop.signal.aborted) return;
    // Spread out, so that the processes of a fleet do not all ask for the same locks at once.
    this.#timer = clock.after(upkeepEveryMs * (0.9 + 0.2 * random()), () => this.start());
  }
}

/** One round. Throws `MdpError`. */
export async function tend(
  options: Omit<UpkeepOptions, 'random'>,
  signal: AbortSignal,
): Promise<void> {
  const session = await options.connector.open(signal);
  try {
    if (options.storage === 'timescaledb') await setPolicies(session, options, signal);
    else await tendPartitions(session, options, signal);
  } finally {
    await session.close();
  }
}

async function tendPartitions(
  session: Session,
  { schema, storage, retentionMs, clock, log }: Omit<UpkeepOptions, 'random'>,
  signal: AbortSignal,
): Promise<void> {
  const partitions = new Partitions(session, schema, storage);
  const now = clock.now();
  for (const table of timedTables) {
    await partitions.ensure(table, [now, now + dayUs], signal);
    if (retentionMs === undefined) continue;
    const dropped = await partitions.drop(table, now - retentionMs * 1_000, signal);
    if (dropped.length > 0)
      log.info('retention dropped partitions', { table, count: dropped.length });
  }
}

/** TimescaleDB's own jobs, as the configuration has them today. */
async function setPolicies(
  session: Session,
  { schema, retentionMs, compressAfterMs }: Omit<UpkeepOptions, 'random'>,
  signal: AbortSignal,
): Promise<void> {
  const timescale = quoteName((await timescaleSchemaOf(session, signal)) ?? 'public');
  for (const table of timedTables) {
    const relation = quoteText(`${quoteName(schema)}.${table}`);
    const calls = [
      `remove_retention_policy(${relation}, if_exists => true)`,
      `remove_compression_policy(${relation}, if_exists => true)`,
    ];
    if (retentionMs !== undefined) {
      calls.push(`add_retention_policy(${relation}, ${interval(retentionMs)})`);
    }
    if (compressAfterMs !== undefined) {
      calls.push(`add_compression_policy(${relation}, ${interval(compressAfterMs)})`);
    }
    // Our sessions do not have the extension's schema in their search path.
    const statements = calls.map((call) => `select ${timescale}.${call}`);
    await session.query(statements.join(';\n'), [], signal);
  }
}

function interval(ms: number): string {
  return `interval '${Math.round(ms / 1_000)} seconds'`;
}

function failureFields(error: unknown): Record<string, string | number | boolean> {
  return error instanceof MdpError ? { code: error.code, ...error.context } : { code: 'unknown' };
}
