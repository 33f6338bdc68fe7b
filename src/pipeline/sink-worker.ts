import { stableId } from '../market/id.ts';
import type { Bar } from '../market/bar.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import { receiveTime } from '../market/time.ts';
import { backoffMs, type BackoffPolicy } from '../runtime/backoff.ts';
import type { Breaker } from '../runtime/breaker.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import { pause } from '../runtime/waiting.ts';
import type {
  Batch,
  Committed,
  DeadLetter,
  RejectedRow,
  Sink,
  SinkWorker,
  Table,
} from '../sinks/sink.ts';
import type { BatchTrace } from './batch-trace.ts';
import type { Batcher, QueuedBatch } from './batcher.ts';
import { increase } from './ledger.ts';
import type { LedgerRecords } from './ledger-record.ts';
import type { MemoryBudget } from './memory.ts';
import { rowAsText } from './row-text.ts';
import type { SinkQueue } from './sink-queue.ts';
import type { Settlement } from './settlement.ts';
import type { SinkStats } from './sink-stats.ts';

/** A database that fails is asked again after so long, at first and at most. */
export const RETRY: BackoffPolicy = { floorMs: 20, baseMs: 100, capMs: 10_000 };

export type WorkerParts = {
  readonly sink: Sink;
  readonly queue: SinkQueue;
  readonly batcher: Batcher;
  readonly settlement: Settlement;
  readonly records: LedgerRecords;
  readonly memory: MemoryBudget;
  readonly stats: SinkStats;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: RateLimitedLog;
  /** The thread may be held: SQLite commits and syncs on it. */
  readonly beforeCommit: () => void;
  /** A batch of the table is settled, and its memory free. */
  readonly onSettled: (table: Table) => void;
};

/**
 * One sink worker: opens its connection and commits batch after batch, until the queue is closed
 * and empty or `signal` is aborted. A batch that cannot be committed is held and tried again for as
 * long as it takes; nothing is thrown away.
 */
export const runSinkWorker = async (parts: WorkerParts, signal: AbortSignal): Promise<void> => {
  const { queue, stats, batcher, records } = parts;
  records.enter();
  const worker = await untilDone(parts, signal, 'open', () => parts.sink.open(signal));
  if (worker === undefined) return;
  stats.opened();
  try {
    while (!signal.aborted) {
      parts.beforeCommit();
      await records.write(worker, signal);
      const opened = queue.take();
      if (opened !== undefined) {
        await commitBatch(parts, worker, opened, signal);
        continue;
      }
      if (queue.closed) {
        await records.leave(worker, signal);
        return;
      }
      stats.idle += 1;
      batcher.flushAged();
      if (queue.length === 0 && !queue.closed) await queue.filled(signal);
      stats.idle -= 1;
    }
  } finally {
    await worker.close();
  }
};

const commitBatch = async (
  parts: WorkerParts,
  worker: SinkWorker,
  opened: QueuedBatch,
  signal: AbortSignal,
): Promise<void> => {
  const { stats, clock, memory } = parts;
  const { batch, trace } = opened;
  trace?.taken(clock.now(), parts.breaker.state);
  stats.committing(batch.table, batch.rows.length);
  const attempt = async (): Promise<Committed> => {
    const began = clock.now();
    trace?.tries(began);
    const outcome = await worker.commit(batch, signal, trace);
    const ended = clock.now();
    trace?.succeeded(ended);
    stats.commitSeconds.observe((ended - began) / 1e6);
    return outcome;
  };
  const committed = await untilDone(parts, signal, batch.table, attempt, trace);
  if (committed === undefined) return;
  const letters = lettersOf(opened, committed.dead);
  if (!(await commitLetters(parts, worker, letters, opened, signal))) return;
  stats.committing(batch.table, -batch.rows.length);
  memory.addBatches(-batch.bytes);
  settle(parts, opened, committed);
  parts.batcher.release(batch);
  parts.onSettled(batch.table);
};

/** Enters in the ledger what the database said, and nothing before. */
const settle = (parts: WorkerParts, opened: QueuedBatch, committed: Committed): void => {
  const { batch } = opened;
  const { settlement } = parts;
  const dead = committed.dead.length;
  if (committed.committed + committed.alreadyThere + dead !== batch.rows.length) {
    throw new MdpError('invariant', 'a commit did not account for every row of its batch', {
      context: { table: batch.table, rows: batch.rows.length },
    });
  }
  settlement.count(opened.epoch, batch.table, 'committed', committed.committed);
  settlement.count(opened.epoch, batch.table, 'alreadyThere', committed.alreadyThere);
  settlement.count(opened.epoch, batch.table, 'deadLettered', dead);
  settlement.settled(opened.epoch, opened.held);
  const now = parts.clock.now();
  parts.stats.committed(opened, committed, now);
  opened.trace?.settled(now, committed);
};

/**
 * A batch is settled only when the rows that the database refused are kept as dead letters: they
 * are committed at once, by the same worker. False when `signal` was aborted first.
 */
const commitLetters = async (
  parts: WorkerParts,
  worker: SinkWorker,
  rows: readonly DeadLetter[],
  { epoch, trace }: QueuedBatch,
  signal: AbortSignal,
): Promise<boolean> => {
  if (rows.length === 0) return true;
  const { settlement, clock } = parts;
  const batch: Batch = { table: 'dead_letter', rows, bytes: 0 };
  const attempt = async (): Promise<Committed> => {
    trace?.tries(clock.now(), 'dead letters');
    const done = await worker.commit(batch, signal, trace);
    trace?.succeeded(clock.now());
    return done;
  };
  const outcome = await untilDone(parts, signal, batch.table, attempt, trace);
  if (outcome === undefined) return false;
  settlement.count(epoch, batch.table, 'decoded', rows.length);
  settlement.count(epoch, batch.table, 'committed', outcome.committed);
  settlement.count(epoch, batch.table, 'alreadyThere', outcome.alreadyThere);
  settlement.count(epoch, batch.table, 'deadLettered', outcome.dead.length);
  for (const { reason, sqlstate } of rows) {
    increase(parts.stats.deadLetters, reason, 1);
    parts.log.say(`dead ${reason}`, 'error', 'The database refused a row: dead-lettered', {
      reason,
      sqlstate,
    });
  }
  return true;
};

const lettersOf = (opened: QueuedBatch, dead: readonly RejectedRow[]): readonly DeadLetter[] =>
  dead.flatMap((rejected) => {
    const row = opened.batch.rows.at(rejected.index);
    return row === undefined || row.kind === 'dead_letter' ? [] : [letterOf(row, rejected, opened)];
  });

/**
 * Every refused row is kept whole. Its position is made of its content, so that a second try leaves
 * one copy.
 */
const letterOf = (
  row: Trade | Quote | Bar | Gap,
  rejected: RejectedRow,
  opened: QueuedBatch,
): DeadLetter => {
  const text = rowAsText(row);
  return {
    kind: 'dead_letter',
    position: BigInt(stableId(text)),
    row: 0,
    receiveTime: receivedAt(row),
    source: row.instrument.venue,
    stage: 'sink',
    reason: rejected.reason,
    sqlstate: rejected.sqlstate,
    payload: new TextEncoder().encode(`${opened.batch.table} ${text}`),
  };
};

const receivedAt = (row: Trade | Quote | Bar | Gap): DeadLetter['receiveTime'] => {
  if (row.kind === 'trade' || row.kind === 'quote') return row.receiveTime;
  if (row.kind === 'gap') return row.detectedAt;
  return receiveTimeOfBar(row);
};

/**
 * A bar has no receive time of its own: its open time stands in, which keeps the letter the same on
 * every try.
 */
const receiveTimeOfBar = (bar: Bar): DeadLetter['receiveTime'] => receiveTime(bar.openTime);

/**
 * Tries until it succeeds; undefined when `signal` was aborted first. Only `MdpError` is waited
 * out, and not where the database can never be opened as things are (newer schema, held by another
 * process): that ends the run at its start. After some failures the breaker decides who may try.
 */
const untilDone = async <T>(
  parts: WorkerParts,
  signal: AbortSignal,
  what: string,
  attempt: () => Promise<T>,
  trace?: BatchTrace,
): Promise<T | undefined> => {
  const { breaker } = parts;
  for (let tries = 0; await breaker.admitted(signal); tries += 1) {
    try {
      const result = await attempt();
      breaker.succeeded();
      parts.stats.succeeded(parts.clock.now());
      return result;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof MdpError) || error.code === 'invariant') throw error;
      if (what === 'open' && !error.retry && parts.stats.workersOpen === 0) throw error;
      breaker.failed();
      const now = parts.clock.now();
      trace?.failed(now, error);
      parts.stats.failed(error, tries, now, what !== 'open');
      sayFailed(parts, error, what, tries);
      if (breaker.state !== 'closed') continue;
      await pause(parts.clock, backoffMs(RETRY, tries, parts.random), signal);
    }
  }
  return undefined;
};

const sayFailed = (parts: WorkerParts, error: MdpError, what: string, tries: number): void => {
  parts.log.say(
    `sink ${error.code}`,
    error.retry ? 'warn' : 'error',
    'The database did not take a batch: held, and tried again',
    {
      what,
      code: error.code,
      attempt: tries + 1,
      reason: error.message,
      hint: error.hint,
      ...error.context,
    },
  );
};
