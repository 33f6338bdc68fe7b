/**
 * Frames that were given up and whose `dropped` record the reader has not come to yet. The ledger
 * counts a drop when its record is read, so that a restart counts the same; who looks at the
 * running program is told at once.
 */
export class PendingDrops {
  readonly #counts = new Map<string, number>();

  given(reason: string, count: number): void {
    this.#counts.set(reason, this.of(reason) + count);
  }

  /** The record was read. Those of an earlier run were never pending here. */
  read(reason: string, count: number): void {
    this.#counts.set(reason, Math.max(0, this.of(reason) - count));
  }

  of(reason: string): number {
    return this.#counts.get(reason) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
