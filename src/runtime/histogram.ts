/**
 * A histogram in plain numbers: observing costs a scan of a few bounds and no allocation. Copied
 * out at scrape.
 */
export class PlainHistogram {
  readonly bounds: readonly number[];
  /** One more than bounds: the last counts what is above all of them. Not cumulative. */
  readonly counts: Float64Array;
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let slot = 0;
    while (slot < this.bounds.length && value > (this.bounds[slot] ?? Infinity)) slot += 1;
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
    this.#sum += value;
    this.#count += 1;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }
}
