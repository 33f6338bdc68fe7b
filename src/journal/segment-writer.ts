import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { Bell } from '../runtime/waiting.ts';
import type { Chunk, Chunks } from './chunks.ts';
import { errnoOf, type Disk, type DiskFile } from './disk.ts';
import { encodeHeader, HEADER_BYTES } from './format.ts';
import type { Mark, Position } from './record-buffer.ts';
import { ReplacedSegments } from './replaced-segments.ts';
import { fileName, type Segment, type Segments } from './segments.ts';

/** What was taken in waits at most so long for its write. */
const WRITE_MS = 5;
/** Writes that the disk has not answered. */
const MOST_FLYING = 64;
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
  /** More was written or synced, or may be read without having been. */
  readonly onProgress: () => void;
};

/** The disk takes nothing, or must not be asked to; since when, and why. */
export type Away = { readonly since: number; readonly errno: string };

type Open = {
  readonly file: DiskFile;
  readonly segment: Segment;
  /**
   * Resolves when every write so far has ended, also those into the segment before: the file must
   * not be closed under one, and `written` never passes one.
   */
  writes: Promise<void>;
  /** The directory tells of it also after a power loss. */
  named: boolean;
};

/**
 * Brings chunks to disk: hands them to it in order, syncs behind them, begins segments. A write
 * does not wait for the one before it, nor a new segment for the sync of the last: on a busy event
 * loop that would keep what was taken in from the kernel for as long as answers wait to be heard.
 * Bytes stay in memory until they are synced, so a failed sync loses nothing: its segment ends
 * where the last good sync did, and the rest is written again into a new file. The same page is
 * never trusted to a second sync, which after a failure may succeed without having written it.
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
  /** Behind what was handed to the disk. */
  #sent: Mark;
  /** The segment that is being filled. */
  #open: Open | undefined;
  /** In order, those with bytes that were not synced: the one that is being filled is the last. */
  #unsynced: readonly Open[] = [];
  readonly #replaced: ReplacedSegments;
  #opening: Promise<void> | undefined;
  #flying = 0;
  /** Rises when writes under way no longer count, because what they wrote is written again. */
  #attempt = 0;
  /** Rises when segments are left, whatever of them was synced. */
  #left = 0;
  /** Our clock, µs, when the write that `soon` has asked for should begin. */
  #dueAt = 0;
  #syncing: Promise<void> | undefined;
  #writeTimer: Timer | undefined;
  #syncTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  /** Failures in a row. */
  #failures = 0;
  /** Nothing is to be written: the journal is at a bound. */
  #suspended = false;
  #closed = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.#replaced = new ReplacedSegments(options);
    this.written = options.start;
    this.synced = options.start;
    this.#sent = options.start;
  }

  /**
   * There is something to write, taken in at `at`: soon, together with what comes until then. On a
   * loop too busy for its timers the next call past that time writes.
   */
  soon(at: number): void {
    if (this.#closed) return;
    if (this.#writeTimer === undefined) {
      this.#dueAt = at + WRITE_MS * 1000;
      this.#writeTimer = this.#options.clock.after(WRITE_MS, () => this.now());
    } else if (at >= this.#dueAt) this.now();
  }

  /** Hands to the disk what there is. */
  now(): void {
    this.#writeTimer?.cancel();
    this.#writeTimer = undefined;
    const { chunks } = this.#options;
    while (this.#sent.position < chunks.position && this.#mayWrite) {
      const chunk = chunks.at(this.#sent.position);
      if (chunk === undefined) return;
      const begins = chunk.opens && chunk.start.position === this.#sent.position;
      const open = this.#open;
      if (open === undefined || (begins && open.segment.start !== this.#sent.position)) {
        this.#opening = this.#begin(this.#sent);
      } else this.#send(open, chunk);
    }
    if (this.away !== undefined && !this.#closed) this.#options.onProgress();
  }

  /** Writes nothing until `resume`, as if the disk were away. `bound` names what was reached. */
  suspend(bound: string): void {
    if (this.#suspended || this.away !== undefined) return;
    this.#suspended = true;
    this.away = { since: this.#options.clock.now(), errno: bound };
    this.#options.log.error('the journal is at its bound: frames wait in memory only', { bound });
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.#recovered();
    this.soon(this.#options.clock.now());
  }

  get #mayWrite(): boolean {
    const isWaiting = this.#retryTimer !== undefined || this.#opening !== undefined;
    const isDone = this.#closed || this.#suspended;
    return !isWaiting && !isDone && this.#flying < MOST_FLYING;
  }

  /**
   * Resolves when everything before `position` is on disk, with true; with false when `signal` is
   * aborted first.
   */
  async persist(position: Position, signal: AbortSignal): Promise<boolean> {
    while (this.synced.position < position && !signal.aborted) {
      this.now();
      if (this.written.position >= position) void this.sync();
      await this.#progress.wait(signal);
    }
    return this.synced.position >= position;
  }

  /** Where chunks were given up unwritten: goes on behind them, in a new segment. */
  skipTo(mark: Mark): void {
    if (mark.position <= this.written.position) return;
    this.#leaveAll();
    this.written = mark;
    this.synced = mark;
    this.#sent = mark;
    this.#replaced.release(mark.position);
    this.#progress.ring();
  }

  /** Stops writing and closes the file, which then ends where the writing did. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of [this.#writeTimer, this.#syncTimer, this.#retryTimer]) timer?.cancel();
    await this.#opening;
    await Promise.all(this.#unsynced.map(({ writes }) => writes));
    await this.#syncing;
    this.#leaveAll();
  }

  #send(open: Open, chunk: Chunk): void {
    const { chunks } = this.#options;
    const from = this.#sent;
    const until = chunks.endOf(chunk);
    const base = chunk.start.position;
    const bytes = chunk.bytes.subarray(from.position - base, until.position - base);
    const write = open.file.write(bytes, HEADER_BYTES + from.position - open.segment.start);
    this.#sent = until;
    this.#flying += 1;
    open.writes = this.#finish(open, write, open.writes, until);
  }

  /** Never rejects. What ends before the writes in front of it waits for them. */
  async #finish(open: Open, write: Promise<void>, before: Promise<void>, until: Mark) {
    const attempt = this.#attempt;
    try {
      await Promise.all([write, before]);
      if (attempt === this.#attempt) this.#wrote(open, until);
    } catch (error) {
      // What others write again meanwhile may fail here: it no longer counts.
      if (attempt === this.#attempt) this.#failed(open, error);
    } finally {
      this.#flying -= 1;
      this.#progress.ring();
      this.now();
    }
  }

  #wrote({ segment }: Open, until: Mark): void {
    const { clock, fsyncMs, onProgress } = this.#options;
    this.written = until;
    segment.end = until.position;
    segment.bytes = HEADER_BYTES + until.position - segment.start;
    segment.writtenAt = clock.now();
    if (this.away !== undefined && this.#failures < 2) this.#recovered();
    onProgress();
    if (fsyncMs === 0) void this.sync();
    else this.#syncSoon();
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
    if (this.synced.position >= this.written.position) return;
    this.#syncing = this.#syncAll().finally(() => {
      this.#syncing = undefined;
      this.#progress.ring();
    });
    await this.#syncing;
  }

  async #syncAll(): Promise<void> {
    const mark = this.written;
    const left = this.#left;
    const behind = this.#unsynced.filter(({ segment }) => segment.start < mark.position);
    for (const [i, open] of behind.entries()) {
      try {
        await this.#syncOpen(open);
      } catch (error) {
        this.syncFailures += 1;
        if (left === this.#left) this.#condemn(open, 'sync', error);
        return;
      }
      if (left !== this.#left) return;
      const next = behind[i + 1]?.segment;
      this.synced = next === undefined ? mark : { position: next.start, frames: next.frames };
    }
    this.synced = mark;
    this.#replaced.release(mark.position);
    this.#failures = 0;
    if (this.away !== undefined) this.#recovered();
    this.#closeFilled(mark);
    if (this.written.position > mark.position && !this.#closed) this.#syncSoon();
    this.#options.onProgress();
  }

  async #syncOpen(open: Open): Promise<void> {
    await open.file.sync();
    if (open.named) return;
    await this.#options.disk.syncDirectory(this.#options.directory);
    open.named = true;
  }

  /** Lets go of segments that end before `mark`: those in front of the one where it lies. */
  #closeFilled(mark: Mark): void {
    const last = this.#unsynced.findLastIndex(({ segment }) => segment.start <= mark.position);
    for (const open of this.#unsynced.slice(0, Math.max(0, last))) this.#leave(open);
    this.#unsynced = this.#unsynced.slice(Math.max(0, last));
  }

  /** Never rejects. The next bytes go into a new segment. */
  async #begin(from: Mark): Promise<void> {
    const attempt = this.#attempt;
    try {
      const open = await this.#create(from);
      if (attempt !== this.#attempt) return await this.#discard(open);
      this.#options.segments.add(open.segment);
      this.#unsynced = [...this.#unsynced, open];
      this.#open = open;
    } catch (error) {
      this.#wait(error);
    } finally {
      this.#opening = undefined;
      this.now();
    }
  }

  async #create(from: Mark): Promise<Open> {
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
      givenUp: false,
      packed: false,
      busy: undefined,
    };
    const path = `${directory}/${fileName(segment)}`;
    const file = await disk.create(path);
    const writes = this.#open?.writes ?? Promise.resolve();
    const open = { file, segment, writes, named: false };
    const header = { start: from.position, frames: from.frames, created, end: undefined };
    try {
      await file.write(encodeHeader(header), 0);
      return open;
    } catch (error) {
      await this.#discard(open);
      throw error;
    }
  }

  /** What it was made for is written elsewhere. */
  async #discard({ file, segment }: Open): Promise<void> {
    const { disk, directory } = this.#options;
    await file.close();
    await disk.remove(`${directory}/${fileName(segment)}`);
  }

  /**
   * All that is not synced is written again, into a new segment; those that hold it end at the last
   * good sync.
   */
  #condemn(open: Open, call: 'write' | 'sync', error: unknown): void {
    const condemned = this.#unsynced;
    const until = this.#sent.position;
    this.#replaced.release(this.written.position);
    this.#leaveAll();
    this.written = this.synced;
    this.#sent = this.synced;
    this.#options.log.error(
      `a ${call} of the journal failed: its segment ends here, the rest is written anew`,
      {
        file: fileName(open.segment),
        position: this.synced.position,
        errno: errnoOf(error),
      },
    );
    for (const { segment } of condemned) this.#endAtSync(segment, until);
    this.#failures += 1;
    if (this.#failures > 1) this.#wait(error);
    else this.soon(this.#options.clock.now());
  }

  #endAtSync(segment: Segment, until: Position): void {
    segment.end = Math.min(segment.end, this.synced.position);
    if (segment.end > segment.start) return;
    this.#options.segments.remove(segment);
    this.#replaced.keep(segment, until);
  }

  #failed(open: Open, error: unknown): void {
    // Behind any error but a full disk the file is not trusted any more.
    if (!isOfSpace(error)) this.#condemn(open, 'write', error);
    this.#attempt += 1;
    this.#sent = this.written;
    this.#wait(error);
  }

  #wait(error: unknown): void {
    const { clock, log, onProgress } = this.#options;
    if (isOfSpace(error)) this.#replaced.release(Number.POSITIVE_INFINITY);
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
    if (this.#suspended) return;
    this.away = undefined;
    this.#failures = 0;
    this.#options.log.info('the journal writes again');
  }

  /** Seals what is open. Its bytes are synced, or written again elsewhere. */
  #leaveAll(): void {
    this.#attempt += 1;
    this.#left += 1;
    this.#open = undefined;
    for (const open of this.#unsynced) this.#leave(open);
    this.#unsynced = [];
  }

  #leave(open: Open): void {
    open.segment.sealed = true;
    const close = (): Promise<void> => open.file.close();
    open.writes.then(close).catch((error: unknown) => {
      this.#options.log.warn('a segment was closed with an error', { errno: errnoOf(error) });
    });
  }
}

const isOfSpace = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(error));
