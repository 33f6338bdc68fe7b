import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { Bell } from '../runtime/waiting.ts';
import type { Chunk, Chunks } from './chunks.ts';
import { errnoOf, type Disk, type DiskFile } from './disk.ts';
import { encodeHeader, HEADER_BYTES } from './format.ts';
import type { Mark, Position } from './record-buffer.ts';
import { fileName, type Segment, type Segments } from './segments.ts';

/** What was taken in waits at most so long for its write. */
const WRITE_MS = 5;
/** So many bytes are synced at once, whatever the time. */
const SYNC_BYTES = 8 * 1024 * 1024;
/** How long the disk is left alone after it has failed. */
const RETRY_MS = 1000;

export type SegmentWriterOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly segments: Segments;
  readonly chunks: Chunks;
  readonly start: Mark;
  /** Most time between a write and its sync; 0 = every write. */
  readonly fsyncMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** What was taken in until `until` is about to be written. */
  readonly onWrite: (until: Mark) => void;
  /** More was written, or may be read without having been. */
  readonly onProgress: () => void;
};

/** The disk takes nothing; since when, and why. */
export type Away = { readonly since: number; readonly errno: string };

type Open = {
  readonly file: DiskFile;
  readonly segment: Segment;
  /** The write that is under way: the file must not be closed under it. */
  write: Promise<void>;
};

/**
 * Brings chunks to disk: writes in order, syncs behind them, begins segments. Bytes stay in memory
 * until they are synced, so a failed sync loses nothing: its segment ends where the last good sync
 * did, and the rest is written again into a new file. The same page is never trusted to a second
 * sync, which after a failure may succeed without having written it.
 */
export class SegmentWriter {
  /** Behind what the kernel has, and behind what is safe from a power loss. */
  written: Mark;
  synced: Mark;
  /**
   * The disk takes nothing: the chunks are a queue in memory, and the reader may pass `written`.
   */
  away: Away | undefined;
  syncFailures = 0;

  readonly #options: SegmentWriterOptions;
  readonly #progress = new Bell();
  #open: Open | undefined;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #writeTimer: Timer | undefined;
  #syncTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  /** Failures in a row. */
  #failures = 0;
  #closed = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.written = options.start;
    this.synced = options.start;
  }

  /** There is something to write: soon, together with what comes until then. */
  soon(): void {
    if (this.#writeTimer !== undefined || this.#writing !== undefined || this.#closed) return;
    this.#writeTimer = this.#options.clock.after(WRITE_MS, () => this.now());
  }

  /** Writes what there is. */
  now(): void {
    this.#writeTimer?.cancel();
    this.#writeTimer = undefined;
    if (this.#writing !== undefined || this.#retryTimer !== undefined || this.#closed) return;
    if (this.written.position >= this.#options.chunks.position) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#progress.ring();
      const isBehind = this.written.position < this.#options.chunks.position;
      if (isBehind && this.#retryTimer === undefined) this.soon();
    });
  }

  /**
   * Resolves when everything before `position` is on disk, with true; with false when `signal` is
   * aborted first.
   */
  async persist(position: Position, signal: AbortSignal): Promise<boolean> {
    while (this.synced.position < position && !signal.aborted) {
      this.now();
      if (this.#writing === undefined && this.#retryTimer === undefined) void this.sync();
      await this.#progress.wait(signal);
    }
    return this.synced.position >= position;
  }

  /** Where chunks were given up unwritten: goes on behind them, in a new segment. */
  skipTo(mark: Mark): void {
    if (mark.position <= this.written.position) return;
    this.#leave(this.#open);
    this.written = mark;
    this.synced = mark;
  }

  /** Stops writing and closes the file, which then ends where the writing did. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of [this.#writeTimer, this.#syncTimer, this.#retryTimer]) timer?.cancel();
    await this.#writing;
    await this.#syncing;
    this.#leave(this.#open);
  }

  async #writeAll(): Promise<void> {
    const { chunks } = this.#options;
    while (this.written.position < chunks.position && !this.#closed) {
      const chunk = chunks.at(this.written.position);
      if (chunk === undefined) return;
      try {
        await this.#write(chunk);
      } catch (error) {
        this.#failed(error);
        return;
      }
    }
  }

  async #write(chunk: Chunk): Promise<void> {
    const { chunks, fsyncMs, clock } = this.#options;
    const from = this.written.position;
    const until = chunks.endOf(chunk);
    const open = await this.#segmentFor(chunk);
    if (open === undefined) return;
    this.#options.onWrite(until);
    const base = chunk.start.position;
    const bytes = chunk.bytes.subarray(from - base, until.position - base);
    open.write = open.file.write(bytes, HEADER_BYTES + from - open.segment.start);
    await this.#finished(open);
    if (this.#open !== open) return;
    this.written = until;
    open.segment.end = until.position;
    open.segment.bytes = HEADER_BYTES + until.position - open.segment.start;
    open.segment.writtenAt = clock.now();
    if (this.away !== undefined && this.#failures < 2) this.#recovered();
    this.#options.onProgress();
    if (fsyncMs === 0) await this.sync();
    else this.#syncSoon();
  }

  /** A file that was left meanwhile may fail: its bytes are written anew. */
  async #finished(open: Open): Promise<void> {
    try {
      await open.write;
    } catch (error) {
      if (this.#open === open) throw error;
    }
  }

  #syncSoon(): void {
    if (this.written.position - this.synced.position >= SYNC_BYTES) void this.sync();
    else
      this.#syncTimer ??= this.#options.clock.after(this.#options.fsyncMs, () => void this.sync());
  }

  /** Never rejects: what fails here is written again elsewhere. */
  async sync(): Promise<void> {
    this.#syncTimer?.cancel();
    this.#syncTimer = undefined;
    while (this.#syncing !== undefined) await this.#syncing;
    const open = this.#open;
    if (open === undefined || this.synced.position >= this.written.position) return;
    this.#syncing = this.#syncOpen(open).finally(() => {
      this.#syncing = undefined;
      this.#progress.ring();
    });
    await this.#syncing;
  }

  async #syncOpen(open: Open): Promise<void> {
    const mark = this.written;
    try {
      await open.file.sync();
    } catch (error) {
      this.syncFailures += 1;
      this.#condemn(open, error);
      return;
    }
    if (this.#open !== open) return;
    this.synced = mark;
    this.#failures = 0;
    if (this.away !== undefined) this.#recovered();
    this.#options.chunks.release(mark.position);
    if (this.written.position > mark.position && !this.#closed) this.#syncSoon();
    this.#options.onProgress();
  }

  /**
   * The segment that the chunk's next bytes belong to; undefined when others must be written first.
   */
  async #segmentFor(chunk: Chunk): Promise<Open | undefined> {
    const from = this.written;
    let open = this.#open;
    const begins = chunk.opens && chunk.start.position === from.position;
    if (open !== undefined && begins && open.segment.start !== from.position) {
      await this.sync();
      // A failed sync has moved `written` back.
      if (this.written !== from) return undefined;
      this.#leave(open);
      open = undefined;
    }
    return open ?? this.#begin(from);
  }

  async #begin(from: Mark): Promise<Open> {
    const { disk, directory, segments, clock } = this.#options;
    const created = clock.now();
    const segment: Segment = {
      sequence: segments.nextSequence(),
      start: from.position,
      frames: from.frames,
      created,
      writtenAt: created,
      end: from.position,
      bytes: HEADER_BYTES,
      sealed: false,
      condensed: false,
      packed: false,
      busy: undefined,
    };
    const path = `${directory}/${fileName(segment)}`;
    const file = await disk.create(path);
    const header = { start: from.position, frames: from.frames, created, end: undefined };
    try {
      await file.write(encodeHeader(header), 0);
      await file.sync();
      await disk.syncDirectory(directory);
    } catch (error) {
      await file.close();
      await disk.remove(path);
      throw error;
    }
    segments.add(segment);
    this.#open = { file, segment, write: Promise.resolve() };
    return this.#open;
  }

  /**
   * The segment ends at the last good sync; what is behind it is written again, into the next one.
   */
  #condemn(open: Open, error: unknown): void {
    const { log, segments, disk, directory } = this.#options;
    if (this.#open !== open) return;
    this.#leave(open);
    this.written = this.synced;
    open.segment.end = this.synced.position;
    log.error('a sync of the journal failed: its segment ends here, the rest is written anew', {
      file: fileName(open.segment),
      position: this.synced.position,
      errno: errnoOf(error),
    });
    if (open.segment.end <= open.segment.start) {
      segments.remove(open.segment);
      disk.remove(`${directory}/${fileName(open.segment)}`).catch((cause: unknown) => {
        log.warn('an empty segment stays: it cannot be removed', { errno: errnoOf(cause) });
      });
    }
    this.#failures += 1;
    if (this.#failures > 1) this.#wait(error);
    else this.soon();
  }

  #failed(error: unknown): void {
    // Behind any error but a full disk the file is not trusted any more.
    const errno = errnoOf(error);
    if (errno !== 'ENOSPC' && errno !== 'EDQUOT' && this.#open !== undefined) {
      this.#condemn(this.#open, error);
    }
    this.#wait(error);
  }

  #wait(error: unknown): void {
    const { clock, log, onProgress } = this.#options;
    if (this.away === undefined) {
      this.away = { since: clock.now(), errno: errnoOf(error) };
      log.error('the journal cannot write: frames wait in memory only', {
        errno: this.away.errno,
      });
    }
    this.#retryTimer ??= clock.after(RETRY_MS, () => {
      this.#retryTimer = undefined;
      this.now();
    });
    onProgress();
  }

  #recovered(): void {
    this.away = undefined;
    this.#failures = 0;
    this.#options.log.info('the journal writes again');
  }

  /** Seals the open segment. Its bytes are synced, or written again elsewhere. */
  #leave(open: Open | undefined): void {
    if (open === undefined || this.#open !== open) return;
    this.#open = undefined;
    open.segment.sealed = true;
    const close = (): Promise<void> => open.file.close();
    open.write.then(close, close).catch((error: unknown) => {
      this.#options.log.warn('a segment was closed with an error', { errno: errnoOf(error) });
    });
  }
}
