import type { Bar } from '../market/bar.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import type { ReceiveTime } from '../market/time.ts';
import type { Cut } from './cut.ts';
import type { Recounted, RecountScope } from './gap-recount.ts';
import type { TickRows } from './packed-rows.ts';

/**
 * The sink contract: batches in, committed rows out. A commit resolves only after the database
 * acknowledged it; writing the same rows twice leaves one copy (natural keys); a row that the
 * database rejects never costs its batch.
 */
export interface Sink {
  readonly name: 'sqlite' | 'postgres';
  /** How many workers make sense; SQLite has one. */
  readonly maxWorkers: number;
  /**
   * One connection, ready to commit. Migrates first where that is allowed. Throws `MdpError`:
   * `retry` true where waiting may help (database away), false where only an operator can (newer
   * schema, pooler in transaction mode).
   */
  open(signal: AbortSignal): Promise<SinkWorker>;
  /**
   * Removes what is to be written anew, whole or not at all, and keeps every other writer out until
   * `close`. Call before `open`. Resolves with the epoch of the bars that replace the removed ones.
   * Throws `MdpError`: `locked` while another program writes, `input` where bars would not come
   * back.
   */
  clear(cut: Cut, signal: AbortSignal): Promise<number>;
  /**
   * Holds unfilled gap rows of the scope against the trades that are there, beside whatever its
   * workers commit. Throws `MdpError`; what was written by then stays.
   */
  recountGaps(scope: RecountScope, signal: AbortSignal): Promise<Recounted>;
  close(): Promise<void>;
}

export interface SinkWorker {
  /**
   * Commits a batch, whole. Rows the database rejects come back in `dead`. Throws `MdpError` when
   * nothing or not all of it is known to be committed: the caller keeps the batch and commits it
   * again, which is safe. `watch` is told of it when its rows are encoded apart from the commit.
   */
  commit(batch: Batch, signal: AbortSignal, watch?: CommitWatch): Promise<Committed>;
  /** Removes dead letters by their keys; resolves with how many were there. Throws `MdpError`. */
  forget(letters: readonly LetterKey[], signal: AbortSignal): Promise<number>;
  /**
   * Stores a writer's ledger in place of its earlier one; an older one than is there changes
   * nothing. Throws `MdpError`.
   */
  record(ledger: LedgerRecord, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Wants to know when rows are put into the database's form: once or more in a commit. */
export interface CommitWatch {
  encoding(): void;
  encoded(): void;
}

export type Table = 'trade' | 'quote' | 'bar' | 'gap' | 'dead_letter';

/**
 * Rows of one table, in arrival order. Whoever commits a batch reads its rows before the commit
 * ends, and not after: their memory is used again. `bytes` is what they take while they wait.
 */
export type Batch =
  | { readonly table: 'trade'; readonly rows: TickRows<Trade>; readonly bytes: number }
  | { readonly table: 'quote'; readonly rows: TickRows<Quote>; readonly bytes: number }
  | { readonly table: 'bar'; readonly rows: readonly Bar[]; readonly bytes: number }
  | { readonly table: 'gap'; readonly rows: readonly Gap[]; readonly bytes: number }
  | { readonly table: 'dead_letter'; readonly rows: readonly DeadLetter[]; readonly bytes: number };

/** The terms of a writer's ledger as they stood at `at` (µs), when all they count was settled. */
export type LedgerRecord = {
  readonly writer: string;
  readonly at: number;
  /** One for each kind and outcome. */
  readonly items: readonly LedgerItem[];
};

export type LedgerItem = {
  readonly kind: string;
  readonly outcome: string;
  readonly items: number;
};

/**
 * committed + alreadyThere + dead.length = rows of the batch. Bars and gaps that replace nothing
 * count as already there.
 */
export type Committed = {
  readonly committed: number;
  readonly alreadyThere: number;
  readonly dead: readonly RejectedRow[];
};

/**
 * A row of the batch, by index, that the database refused: `reason` is closed and holds no row
 * contents.
 */
export type RejectedRow = {
  readonly index: number;
  readonly reason: string;
  readonly sqlstate: string | undefined;
};

/** The key of a dead letter. */
export type LetterKey = Pick<DeadLetter, 'position' | 'row'>;

/** Kept with its reason, not retried by itself. The key is (position, row). */
export type DeadLetter = {
  readonly kind: 'dead_letter';
  /** Of the record it came from. */
  readonly position: bigint;
  /** Which row of the record. */
  readonly row: number;
  readonly receiveTime: ReceiveTime;
  readonly source: string;
  readonly stage: 'decode' | 'validate' | 'sink';
  readonly reason: string;
  readonly sqlstate: string | undefined;
  readonly payload: Uint8Array;
};
