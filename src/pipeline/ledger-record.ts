import { MdpError } from '../runtime/errors.ts';
import type { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { LedgerItem, LedgerRecord, SinkWorker } from '../sinks/sink.ts';
import type { Ledger } from './ledger.ts';
import type { Counters } from './settlement.ts';

export type LedgerRecordsOptions = {
  readonly ledger: Ledger;
  /** Who counts: the same for as long as the counters go on. */
  readonly writer: string;
  /** Our clock, µs. */
  readonly now: () => number;
  readonly log: RateLimitedLog;
};

/**
 * The ledger on its way into the database: at every checkpoint, by whichever worker is free, and at
 * the end by the last worker that leaves, when nothing is in flight any more. Only the newest one
 * waits. What cannot be written is written with the next one: the rows do not wait for it.
 */
export class LedgerRecords {
  readonly #options: LedgerRecordsOptions;
  #waiting: LedgerRecord | undefined;
  #workers = 0;

  constructor(options: LedgerRecordsOptions) {
    this.#options = options;
  }

  /** A checkpoint was published with these counters. */
  offer(counters: Counters): void {
    this.#waiting = this.#recordOf(counters, false);
  }

  /** A worker begins: before any other one leaves. */
  enter(): void {
    this.#workers += 1;
  }

  /** Writes what waits, if anything does. */
  async write(worker: SinkWorker, signal: AbortSignal): Promise<void> {
    const record = this.#waiting;
    if (record === undefined) return;
    this.#waiting = undefined;
    await this.#write(record, worker, signal);
  }

  /** A worker is through with everything; the last one writes how it ended. */
  async leave(worker: SinkWorker, signal: AbortSignal): Promise<void> {
    this.#workers -= 1;
    if (this.#workers > 0 || signal.aborted) return;
    await this.#write(this.#recordOf(this.#options.ledger.snapshot(), true), worker, signal);
  }

  async #write(record: LedgerRecord, worker: SinkWorker, signal: AbortSignal): Promise<void> {
    try {
      await worker.record(record, signal);
    } catch (error) {
      if (!(error instanceof MdpError) || error.code === 'invariant') throw error;
      // The next checkpoint writes a newer one.
      const fields = { code: error.code, reason: error.message };
      this.#options.log.say('ledger', 'warn', 'The ledger was not written to the database', fields);
    }
  }

  #recordOf(counters: Counters, drained: boolean): LedgerRecord {
    const { writer, now } = this.#options;
    const end: LedgerItem = { kind: 'run', outcome: 'drained', items: drained ? 1 : 0 };
    return { writer, at: now(), items: [...itemsOf(counters), end] };
  }
}

/** The counters of frames and rows; why they were dropped or refused is not kept there. */
const itemsOf = (counters: Counters): readonly LedgerItem[] =>
  Object.entries(counters).flatMap(([name, items]) => {
    const [kind = '', outcome] = name.split('.');
    if (outcome === undefined) return [];
    return [{ kind: kind === 'frames' ? 'frame' : kind, outcome: snake(outcome), items }];
  });

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
