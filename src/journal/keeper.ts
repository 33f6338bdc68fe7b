import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Behind } from './behind.ts';
import type { Chunks } from './chunks.ts';
import { condense } from './condense.ts';
import { errnoOf, replaceFile, type Disk } from './disk.ts';
import { HEADER_BYTES, segmentName } from './format.ts';
import type { DropPolicy, Position } from './record-buffer.ts';
import { wholeWindow } from './recover.ts';
import { fileName, type Segment, type Segments } from './segments.ts';

const ROUND_MS = 1000;
/** Of one core, at most, for compressing what is retained. */
const PACK_SHARE = 0.1;
/** The reader keeps up while it is no further behind. */
const KEPT_UP_BYTES = 1024 * 1024;
/** The key of the bound that settling makes room under. */
export const MAX_BYTES = 'journal.max_bytes';
/** Compressed at once: a segment of 32 MiB never is in memory. */
const PIECE_BYTES = 1024 * 1024;
/** A segment that is being filled is not ended for less. */
const LEAST_CUT_BYTES = 32 * 1024;

export type KeeperOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly segments: Segments;
  readonly chunks: Chunks;
  readonly behind: Behind;
  readonly settled: Position;
  /** Bytes on their way to the disk. */
  readonly unwritten: () => number;
  readonly maxBytes: number;
  readonly minFreeBytes: number;
  readonly retainMs: number;
  readonly policy: DropPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** Frames of a segment were given up. */
  readonly onDrop: (source: string, count: number) => void;
  /** There may be more room, or less. */
  readonly onChange: () => void;
};

/**
 * Keeps the journal within its bounds: gives up settled segments when their time is over or room is
 * needed, then by policy `oldest` the frames of unread ones; compresses what is retained while
 * nothing else is to be done.
 */
export class Keeper {
  settled: Position;
  /** Bytes that the file system still takes before `minFreeBytes` is reached, when last asked. */
  freeAbove = Number.POSITIVE_INFINITY;
  /** Nothing can be given up. */
  stuck = false;

  readonly #options: KeeperOptions;
  readonly #timer: Timer;
  #round: Promise<void> | undefined;
  #again = false;
  #packAfter = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.settled = options.settled;
    this.#timer = options.clock.every(ROUND_MS, () => this.kick());
  }

  /** On disk and waiting for it. */
  get bytes(): number {
    return this.#options.segments.bytes + this.#options.unwritten();
  }

  /** Below 0 at the bound. */
  get room(): number {
    return Math.min(this.#options.maxBytes - this.bytes, this.freeAbove);
  }

  /** The bound that is nearest, by the name of its key. */
  get boundName(): string {
    const isFree = this.freeAbove < this.#options.maxBytes - this.bytes;
    return isFree ? 'journal.min_free_bytes' : MAX_BYTES;
  }

  /** Looks for something to do. */
  kick(): void {
    if (this.#closed) return;
    if (this.#round !== undefined) {
      this.#again = true;
      return;
    }
    this.#round = this.#tidy()
      .catch((error: unknown) => {
        // The next round tries again; until then the journal stays as it is, and the policy holds.
        this.#options.log.warn('the journal could not tidy up', { errno: errnoOf(error) });
      })
      .finally(() => {
        this.#round = undefined;
        this.#options.onChange();
        if (this.#again) {
          this.#again = false;
          this.kick();
        }
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.cancel();
    await this.#round;
  }

  async #tidy(): Promise<void> {
    await this.#askFree();
    await this.#removeSettled();
    while (this.room <= 0 && this.#options.policy === 'oldest' && !this.#closed) {
      const oldest = this.#oldestUnread();
      this.stuck = oldest === undefined;
      if (oldest === undefined) {
        if (this.#options.chunks.segmentBytes >= LEAST_CUT_BYTES) this.#options.chunks.cut();
        return;
      }
      await this.#giveUp(oldest);
      await this.#askFreeAgain();
    }
    this.stuck = false;
    await this.#packOne();
  }

  async #askFree(): Promise<void> {
    const { disk, directory, minFreeBytes, clock } = this.#options;
    if (minFreeBytes === 0 || clock.now() - this.#askedAt < (ROUND_MS * 1000) / 4) return;
    this.#askedAt = clock.now();
    this.freeAbove = (await disk.freeBytes(directory)) - minFreeBytes;
  }

  /** Something was given up: only the file system knows what that has made free. */
  #askFreeAgain(): Promise<void> {
    this.#askedAt = Number.NEGATIVE_INFINITY;
    return this.#askFree();
  }

  async #removeSettled(): Promise<void> {
    const { segments, disk, directory, retainMs, clock } = this.#options;
    for (const segment of segments.all) {
      if (!this.#isSettled(segment)) return;
      const expired = clock.now() - segment.writtenAt >= retainMs * 1000;
      if (!expired && this.room > 0) return;
      segments.remove(segment);
      await disk.remove(`${directory}/${fileName(segment)}`);
      await this.#askFreeAgain();
    }
  }

  #isSettled(segment: Segment): boolean {
    return segment.sealed && segment.busy === undefined && segment.end <= this.settled;
  }

  #oldestUnread(): Segment | undefined {
    const { segments, chunks, behind } = this.#options;
    return segments.all.find(
      (segment) =>
        segment.sealed &&
        !segment.condensed &&
        !segment.packed &&
        segment !== behind.reading &&
        segment.start >= behind.position &&
        segment.end <= chunks.start,
    );
  }

  async #giveUp(segment: Segment): Promise<void> {
    const { disk, directory, log, onDrop } = this.#options;
    await this.#replacing(segment, async () => {
      const name = fileName(segment);
      const window = await wholeWindow(disk, `${directory}/${name}`, segment);
      const { parts, dropped } = condense(window, segment);
      segment.bytes = await replaceFile(disk, directory, name, parts);
      segment.condensed = true;
      segment.givenUp = true;
      log.error('the journal is full: frames were given up', { file: name, policy: 'oldest' });
      for (const [source, count] of dropped) onDrop(source, count);
    });
  }

  /** One at a time, and only in the share of time that is given to it. */
  async #packOne(): Promise<void> {
    const { segments, chunks, behind, clock, disk, directory } = this.#options;
    const isBusy = chunks.end.position - behind.position > KEPT_UP_BYTES;
    if (isBusy || clock.now() < this.#packAfter || this.#closed) return;
    const segment = segments.all.find((one) => this.#isSettled(one) && !one.packed);
    if (segment === undefined) return;
    const began = clock.now();
    await this.#replacing(segment, async () => {
      const old = fileName(segment);
      const whole = HEADER_BYTES + segment.end - segment.start;
      const length = segment.condensed ? Number.POSITIVE_INFINITY : whole;
      const name = segmentName({ ...segment, packed: true });
      const pieces = packed(disk, `${directory}/${old}`, length);
      segment.bytes = await replaceFile(disk, directory, name, pieces);
      segment.packed = true;
      await disk.remove(`${directory}/${old}`);
    });
    this.#packAfter = clock.now() + (clock.now() - began) / PACK_SHARE;
  }

  async #replacing(segment: Segment, replace: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    segment.busy = promise;
    try {
      await replace();
    } finally {
      segment.busy = undefined;
      resolve();
    }
  }
}

/** The first `length` bytes of a file, compressed piece by piece. */
async function* packed(disk: Disk, path: string, length: number): AsyncGenerator<Uint8Array> {
  const file = await disk.open(path);
  try {
    const end = Math.min(length, (await file.stat()).size);
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end));
    for (let at = 0; at < end;) {
      const read = await file.read(piece.subarray(0, Math.min(piece.length, end - at)), at);
      if (read === 0) return;
      yield await disk.pack(piece.subarray(0, read));
      at += read;
    }
  } finally {
    await file.close();
  }
}
