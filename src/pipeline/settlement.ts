import type { Ledger, RowKind } from './ledger.ts';

/** The ledger's terms that the sink side decides. `decoded`: rows it made itself (dead letters). */
export type SinkTerm = 'decoded' | 'committed' | 'alreadyThere' | 'deadLettered' | 'dropped';

/** Counters by name, as in `Ledger.snapshot`. */
export type Counters = Readonly<Record<string, number>>;

/**
 * Which batches are settled, and what became of their rows, by epoch: the time between two
 * checkpoints. Every batch belongs to the epoch in which it was cut. A checkpoint may be published
 * when its epoch and all before it are settled, with the counters of exactly those.
 */
export class Settlement {
  readonly #ledger: Ledger;
  readonly #outstanding = new Map<number, number>();
  readonly #counts = new Map<number, Map<string, number>>();
  /** Everything that the sink side has counted so far. */
  readonly #total = new Map<string, number>();
  readonly #waiting: { readonly epoch: number; readonly resolve: () => void }[] = [];
  #epoch = 0;
  /** Epochs whose dropped batches wait for the gap rows that tell of them. */
  #held: number[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The epoch of what is cut now. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A batch is cut: the epoch it belongs to. */
  opened(): number {
    this.#add(this.#epoch, 1);
    return this.#epoch;
  }

  /** A batch is settled. `held` are the epochs whose drops its gap rows tell of. */
  settled(epoch: number, held: readonly number[]): void {
    this.#add(epoch, -1);
    for (const other of held) this.#add(other, -1);
    this.#wake();
  }

  /** A batch was dropped: its epoch is settled when the next batch of gaps is. */
  dropped(epoch: number): void {
    this.#held.push(epoch);
  }

  /** For a batch of gaps that is being cut: what its settling lets go. */
  takeHeld(): readonly number[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  /** Enters in the ledger what became of `rows` rows of a batch of `epoch`. */
  count(epoch: number, kind: RowKind, term: SinkTerm, rows: number): void {
    if (rows === 0) return;
    this.#ledger.rows[kind][term] += rows;
    this.#note(epoch, `${kind}.${term}`, rows);
  }

  /** Enters a reason of rows dropped. */
  reason(epoch: number, reason: string, rows: number): void {
    this.#ledger.dropped.set(reason, (this.#ledger.dropped.get(reason) ?? 0) + rows);
    this.#note(epoch, `dropped:${reason}`, rows);
  }

  /**
   * Ends the epoch, all of whose batches are cut. Gives it, and the ledger as it would be if the
   * sink side had counted nothing yet: what the operators' side has counted up to here.
   */
  close(): { readonly epoch: number; readonly before: Counters } {
    const epoch = this.#epoch;
    this.#epoch += 1;
    const before: Record<string, number> = { ...this.#ledger.snapshot() };
    for (const [name, value] of this.#total) before[name] = (before[name] ?? 0) - value;
    return { epoch, before };
  }

  /** Resolves with true when the epoch and all before it are settled, false on `signal`. */
  async whenSettled(epoch: number, signal: AbortSignal): Promise<boolean> {
    while (!this.#isSettled(epoch)) {
      if (signal.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#waiting.push({ epoch, resolve });
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return true;
  }

  /** `before` with what the sink side counted of the epochs up to `epoch`; those are forgotten. */
  publish(epoch: number, before: Counters): Counters {
    const counters: Record<string, number> = { ...before };
    for (const [name, value] of this.#total) counters[name] = (counters[name] ?? 0) + value;
    for (const [other, counts] of this.#counts) {
      if (other <= epoch) continue;
      for (const [name, value] of counts) counters[name] = (counters[name] ?? 0) - value;
    }
    for (const other of this.#counts.keys()) if (other <= epoch) this.#counts.delete(other);
    return counters;
  }

  #note(epoch: number, name: string, value: number): void {
    this.#total.set(name, (this.#total.get(name) ?? 0) + value);
    const counts = this.#counts.get(epoch) ?? new Map<string, number>();
    counts.set(name, (counts.get(name) ?? 0) + value);
    this.#counts.set(epoch, counts);
  }

  #add(epoch: number, batches: number): void {
    const outstanding = (this.#outstanding.get(epoch) ?? 0) + batches;
    if (outstanding === 0 && epoch < this.#epoch) this.#outstanding.delete(epoch);
    else this.#outstanding.set(epoch, outstanding);
  }

  #isSettled(epoch: number): boolean {
    for (const [other, batches] of this.#outstanding) {
      if (other <= epoch && batches > 0) return false;
    }
    return true;
  }

  #wake(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const waiting = this.#waiting[index];
      if (waiting === undefined || !this.#isSettled(waiting.epoch)) continue;
      this.#waiting.splice(index, 1);
      waiting.resolve();
    }
  }
}
