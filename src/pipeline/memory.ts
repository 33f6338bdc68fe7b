/** No single block or open batch takes more than this part of the memory for all. */
const SHARES = 8;

/**
 * All waiting data together: blocks of records in front of the operators, and open, queued and
 * committing batches behind them. Bytes are estimates of what the program holds, never less than
 * the payload.
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

  /** Waiting for the sink. While this is more than nothing, waiting frees memory. */
  get batches(): number {
    return this.#batches;
  }

  /** The most bytes of one block or batch that is otherwise allowed `most`. */
  share(most: number): number {
    return Math.min(most, this.limit / SHARES);
  }

  get full(): boolean {
    return this.total >= this.limit;
  }
}
