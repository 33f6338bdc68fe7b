import type { MdpError } from '../runtime/errors.ts';
import { PlainHistogram } from '../runtime/histogram.ts';
import type { Committed, Table } from '../sinks/sink.ts';
import type { OpenedBatch } from './batcher.ts';

const COMMIT_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const END_TO_END_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What the sink workers count, in plain numbers; metrics copy them at scrape. */
export class SinkStats {
  /** Whether receive times are ours, of now: those of a replay say nothing of this run. */
  readonly live: boolean;
  readonly commitSeconds = new PlainHistogram(COMMIT_BUCKETS);
  /** From receipt of a batch's first trade or quote to its commit, in seconds. Live input only. */
  readonly endToEnd = new PlainHistogram(END_TO_END_BUCKETS);
  readonly rowsCommitted = new Map<Table, number>();
  readonly deadLetters = new Map<string, number>();
  readonly #committing = new Map<Table, number>();
  /** Workers that wait for a batch. */
  idle = 0;
  workersOpen = 0;
  batchesCommitted = 0;
  /** Batches whose first attempt failed; attempts after it are `retries`. */
  batchesFailed = 0;
  retries = 0;
  /** Our clock, µs. */
  lastCommitAt: number | undefined;
  failingSince: number | undefined;
  failure: { readonly code: string; readonly reason: string; readonly retry: boolean } | undefined;

  constructor(live: boolean) {
    this.live = live;
  }

  opened(): void {
    this.workersOpen += 1;
  }

  /** Rows a worker has taken up (negative: settled). */
  committing(table: Table, rows: number): void {
    this.#committing.set(table, (this.#committing.get(table) ?? 0) + rows);
  }

  rowsCommitting(table: Table): number {
    return this.#committing.get(table) ?? 0;
  }

  succeeded(now: number): void {
    this.failingSince = undefined;
    this.failure = undefined;
    this.lastCommitAt = now;
  }

  failed(error: MdpError, tries: number, now: number, isBatch: boolean): void {
    this.failingSince ??= now;
    this.failure = { code: error.code, reason: error.message, retry: error.retry };
    if (tries > 0) this.retries += 1;
    else if (isBatch) this.batchesFailed += 1;
  }

  committed(opened: OpenedBatch, committed: Committed, now: number): void {
    const { table } = opened.batch;
    this.batchesCommitted += 1;
    this.rowsCommitted.set(table, (this.rowsCommitted.get(table) ?? 0) + committed.committed);
    const first = opened.batch.rows.at(0);
    if (!this.live || first === undefined) return;
    if (first.kind === 'trade' || first.kind === 'quote') {
      this.endToEnd.observe((now - first.receiveTime) / 1e6);
    }
  }
}
