import type { FrameRecord, MarketRecord } from '../market/record.ts';
import type { Block } from './block.ts';

/**
 * A place in the stream of records: a whole number of bytes below 2^53 that only rises, and is
 * never given to two records of a journal. Journals begin at random positions, so that those of two
 * journals differ.
 */
export type Position = number;

/** A position, and how many frames the journal had taken in before it. Checkpoints keep both. */
export type Mark = { readonly position: Position; readonly frames: number };

/**
 * What stands between sources and operators: the journal, or a bounded queue in memory. Taking in
 * and handing out are synchronous; ticks and states are never given up, frames by policy, and a
 * `dropped` record then stands in their place.
 */
export interface RecordBuffer {
  push(record: MarketRecord): void;
  /** As one after the other: frames of one source and connection that came together. */
  pushFrames(frames: readonly FrameRecord[]): void;
  /** The next block, or undefined while none is ready. Its bytes are valid until the next call. */
  take(): Block | undefined;
  /** Resolves when `take` is worth another call, or `signal` is aborted. */
  filled(signal: AbortSignal): Promise<void>;
  /** Resolves when there may be room again, or `signal` is aborted. */
  emptied(signal: AbortSignal): Promise<void>;
  /** Tells who waits for room that memory elsewhere was freed. */
  memoryFreed(): void;
  /** No more records will come. */
  close(): void;
  /** No more records will come, and all have been taken. */
  readonly closed: boolean;
  /** Whether a source that can wait should. */
  readonly full: boolean;
  /** Blocks that wait in memory. */
  readonly length: number;
  /** Frames that wait here, in memory and on disk. */
  frames(): number;
}

/** The part of the pipeline's memory budget that blocks of records are counted in. */
export interface MemoryShare {
  addBlocks(bytes: number): void;
  readonly full: boolean;
  /** In bytes, for all that waits. */
  readonly limit: number;
}

/** What gives way at a bound. */
export type DropPolicy = 'oldest' | 'newest' | 'block';
