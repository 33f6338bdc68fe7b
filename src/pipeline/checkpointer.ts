import type { Mark } from '../journal/record-buffer.ts';
import type { MarketOperators, OperatorsState } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Batcher } from './batcher.ts';
import type { Counters, Settlement } from './settlement.ts';

/**
 * A checkpoint comes at least so often, unless taking it and making bytes of it costs more than a
 * hundredth of the time.
 */
const EVERY_US = 5_000_000;
const COST_SHARE = 100;

/** What a checkpoint holds beside its mark. Versioned as a whole. */
export type CheckpointContent = {
  readonly version: 1;
  readonly operators: OperatorsState;
  readonly counters: Counters;
  /** In whose name the counters are stored in the database. */
  readonly writer: string;
  /** Venues of all sources whose records may lie behind the mark, by name. */
  readonly venues: Readonly<Record<string, string>>;
};

/** Where checkpoints are kept, and the log of records that they let go of. */
export interface CheckpointStore {
  /** Resolves with true when everything before the mark is on disk, false on `signal`. */
  persist(position: number, signal: AbortSignal): Promise<boolean>;
  /**
   * What it does until it returns keeps the thread: the state becomes bytes.
   * Atomic: either this one or the one before it is found after a crash. Resolves with the position
   * before which nothing is needed any more.
   */
  save(mark: Mark, content: CheckpointContent): Promise<number>;
  /** Everything before the position may be given up. */
  settle(position: number): void;
  /** Whether what is read but not settled takes so much room that a checkpoint should come soon. */
  readonly wantsSettling: boolean;
}

export type CheckpointerParts = {
  readonly store: CheckpointStore;
  readonly settlement: Settlement;
  readonly operators: Pick<MarketOperators, 'save'>;
  readonly batcher: Pick<Batcher, 'flush'>;
  readonly writer: string;
  readonly venues: () => Readonly<Record<string, string>>;
  /** The ledger as it stood at a checkpoint that is published now. */
  readonly onPublished: (counters: Counters) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
};

/**
 * Takes checkpoints: a snapshot of the operators' state and of the counters between two blocks,
 * where the open batches are cut so that none has rows from both sides. It is published once every
 * batch before it is settled and every record before it is on disk; restart reads on from there.
 */
export class Checkpointer {
  readonly #parts: CheckpointerParts;
  #dueAt: number;
  /** What the last one kept the thread for, µs. */
  #cost = 0;
  #pending: Promise<void> | undefined;
  /** Our clock, µs, of the last one published. */
  publishedAt: number | undefined;
  published = 0;

  constructor(parts: CheckpointerParts) {
    this.#parts = parts;
    this.#dueAt = parts.clock.now() + EVERY_US;
  }

  /** The reader stands between two blocks. */
  reached(mark: Mark): void {
    if (this.#pending !== undefined) return;
    const { clock, store } = this.#parts;
    if (clock.now() < this.#dueAt && !store.wantsSettling) return;
    this.#begin(mark);
  }

  /** Everything has been read: the checkpoint of the end, before partial bars are written. */
  async last(mark: Mark): Promise<void> {
    await this.#pending;
    if (!this.#parts.signal.aborted) this.#begin(mark);
  }

  /** Resolves when no checkpoint is under way. */
  async finished(): Promise<void> {
    await this.#pending;
  }

  #begin(mark: Mark): void {
    const { batcher, settlement, operators, writer, venues, clock } = this.#parts;
    const began = clock.now();
    batcher.flush();
    const { epoch, before } = settlement.close();
    const counters = { ...before, 'frames.received': framesIn(before) };
    const state = { operators: operators.save(), writer, venues: venues() };
    const content = { version: 1 as const, ...state };
    this.#cost = clock.now() - began;
    this.#dueAt = clock.now() + Math.max(EVERY_US, this.#cost * COST_SHARE);
    const publishing = this.#publish(mark, epoch, counters, content).catch((error: unknown) => {
      // The one before stays valid, and the next one is tried: a restart reads more, loses nothing.
      this.#parts.log.error('A checkpoint could not be written', { reason: String(error) });
    });
    this.#pending = publishing.finally(() => {
      this.#pending = undefined;
    });
  }

  async #publish(
    mark: Mark,
    epoch: number,
    before: Counters,
    content: Omit<CheckpointContent, 'counters'>,
  ): Promise<void> {
    const { settlement, store, signal, clock, onPublished } = this.#parts;
    if (!(await settlement.whenSettled(epoch, signal))) return;
    const counters = settlement.publish(epoch, before);
    if (!(await store.persist(mark.position, signal))) return;
    const began = clock.now();
    const saving = store.save(mark, { ...content, counters });
    this.#cost += clock.now() - began;
    store.settle(await saving);
    this.#dueAt = Math.max(this.#dueAt, clock.now() + this.#cost * COST_SHARE);
    this.publishedAt = clock.now();
    this.published += 1;
    onPublished(counters);
  }
}

/** Between two blocks every frame that was read has its outcome. */
const framesIn = (counters: Counters): number =>
  ['decoded', 'control', 'undecodable', 'dropped', 'lost'].reduce(
    (sum, outcome) => sum + (counters[`frames.${outcome}`] ?? 0),
    0,
  );
