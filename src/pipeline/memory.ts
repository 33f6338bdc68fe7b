/** No single block or open batch takes more than this part of the memory for all. */
const SHARES = 8;
/** The part of the memory that batches may take before the sink's policy acts. */
const SINK_SHARE = 3 / 4;

/**
 * All waiting data together: blocks of records in front of the operators, and open, queued and
 * committing batches behind them. Bytes are what flat memory takes, and estimates of what objects
 * do, never less than the payload. Memory kept for the next batches does not wait: `Batcher` bounds
 * it.
 */
export class MemoryBudget {
  readonly limit: number;
  #blocks = 0;
  #batches = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  addBlocks(bytes: number): void {
    this.#blocks += bytes;
  }

  addBatches(bytes: number): void {
    this.#batches += bytes;
  }

  get total(): number {
    return this.#blocks + this.#batches;
  }

  /** What waits for the sink has taken its share: the rest is for records in front of it. */
  get sinkFull(): boolean {
    return this.#batches >= this.limit * SINK_SHARE;
  }

  /** The most bytes of one block or batch that is otherwise allowed `most`. */
  share(most: number): number {
    return Math.min(most, this.limit / SHARES);
  }

  get full(): boolean {
    return this.total >= this.limit;
  }
}
