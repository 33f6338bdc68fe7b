import { Bell } from '../runtime/waiting.ts';
import type { QueuedBatch } from './batcher.ts';

export type BackpressurePolicy = 'block' | 'drop_oldest' | 'drop_newest';

export type SinkQueueOptions = {
  readonly maxBatches: number;
  readonly policy: BackpressurePolicy;
  /** What waits for the sink has reached its bound in bytes. */
  readonly memoryFull: () => boolean;
  /** A batch of trades or quotes given up by policy. */
  readonly onDrop: (opened: QueuedBatch) => void;
};

/**
 * The bounded queue of batches in front of the sink workers. Under `block` the reader waits while
 * it is full. Under the `drop_` policies batches of trades and quotes are given up at the bound;
 * bars, gaps and dead letters never are, so that a queue that holds nothing else makes the reader
 * wait under every policy.
 */
export class SinkQueue {
  readonly #options: SinkQueueOptions;
  readonly #batches: QueuedBatch[] = [];
  readonly #filled = new Bell();
  readonly #emptied = new Bell();
  #closed = false;

  constructor(options: SinkQueueOptions) {
    this.#options = options;
  }

  push(opened: QueuedBatch): void {
    if (this.#options.policy === 'block' || this.#closed || !this.#over()) {
      this.#accept(opened);
      return;
    }
    if (this.#options.policy === 'drop_newest' && droppable(opened)) {
      this.#options.onDrop(opened);
      return;
    }
    this.#dropOldest();
    this.#accept(opened);
  }

  /** The oldest batch, or undefined while none waits. */
  take(): QueuedBatch | undefined {
    const opened = this.#batches.shift();
    if (opened !== undefined) this.#emptied.ring();
    return opened;
  }

  filled(signal: AbortSignal): Promise<void> {
    return this.#filled.wait(signal);
  }

  emptied(signal: AbortSignal): Promise<void> {
    return this.#emptied.wait(signal);
  }

  /** A worker has settled a batch: memory is free again. */
  settled(): void {
    this.#emptied.ring();
  }

  /** There is something to do beside batches: the workers that wait look again. */
  nudge(): void {
    this.#filled.ring();
  }

  /** The last batches are still taken, all of them: they are bounded by what is open. */
  close(): void {
    this.#closed = true;
    this.#filled.ring();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get length(): number {
    return this.#batches.length;
  }

  /** Whether the reader must wait: at the bound, and the policy gives it no way to make room. */
  get blocked(): boolean {
    return this.#over() && !this.#canDrop();
  }

  rows(table: QueuedBatch['batch']['table']): number {
    return this.#batches.reduce(
      (sum, { batch }) => sum + (batch.table === table ? batch.rows.length : 0),
      0,
    );
  }

  #canDrop(): boolean {
    return this.#options.policy !== 'block' && this.#batches.some(droppable);
  }

  #over(): boolean {
    return this.#batches.length >= this.#options.maxBatches || this.#options.memoryFull();
  }

  #accept(opened: QueuedBatch): void {
    this.#batches.push(opened);
    this.#filled.ring();
  }

  #dropOldest(): void {
    const index = this.#batches.findIndex(droppable);
    const [opened] = index < 0 ? [] : this.#batches.splice(index, 1);
    if (opened !== undefined) this.#options.onDrop(opened);
  }
}

const droppable = ({ batch }: QueuedBatch): boolean =>
  batch.table === 'trade' || batch.table === 'quote';
