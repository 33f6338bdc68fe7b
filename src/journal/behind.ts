import type { Log } from '../runtime/log.ts';
import { sizeOf, type Block } from './block.ts';
import type { BlockReader, Window } from './block-reader.ts';
import type { Chunks } from './chunks.ts';
import { errnoOf, readInto, type Disk } from './disk.ts';
import { HEADER_BYTES } from './format.ts';
import { wholeWindow } from './recover.ts';
import type { MemoryShare, Position } from './record-buffer.ts';
import { fileName, type Segment, type Segments } from './segments.ts';

const READ_BYTES = 1024 * 1024;
const SPARE_WINDOWS = 2;
/** A file that cannot be read is tried so often, then given up. */
const MOST_ATTEMPTS = 3;

export type BehindOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly segments: Segments;
  readonly chunks: Chunks;
  readonly reader: BlockReader;
  readonly memory: MemoryShare;
  readonly log: Log;
  readonly start: Position;
  /** Where memory begins: the files are read up to there. */
  readonly bound: () => Position;
  /** Blocks are ready, or nothing is left to be read from files. */
  readonly onReady: () => void;
};

/**
 * Reads for a reader that is behind: from the chunks without waiting, from the files ahead of being
 * asked.
 */
export class Behind {
  /** Behind the last record that was taken or is ready. */
  position: Position;
  /** The file that is being read. */
  reading: Segment | undefined;
  readonly #options: BehindOptions;
  readonly #ready: Block[] = [];
  /** Windows that are read into again; and the one whose block was taken last. */
  readonly #spare: Buffer[] = [];
  #lent: Buffer | undefined;
  #loading = false;
  #failures = 0;

  constructor(options: BehindOptions) {
    this.#options = options;
    this.position = options.start;
  }

  get length(): number {
    return this.#ready.length;
  }

  /** Of the first record that waits here. */
  get start(): Position {
    return this.#ready[0]?.position ?? this.position;
  }

  frames(): number {
    return this.#ready.reduce((sum, { frames }) => sum + frames, 0);
  }

  take(): Block | undefined {
    const block = this.#ready.shift();
    this.#giveBack(block?.bytes);
    if (block !== undefined) this.#options.memory.addBlocks(-sizeOf(block));
    return block;
  }

  /** Whoever took a block has no more use for it than up to the next. */
  #giveBack(next: Buffer | undefined): void {
    const lent = this.#lent;
    this.#lent = next;
    const isUsed = lent === next || this.#ready.some(({ bytes }) => bytes === lent);
    if (lent?.length !== READ_BYTES || isUsed || this.#spare.length >= SPARE_WINDOWS) return;
    this.#spare.push(lent);
  }

  /** A block from the chunks, up to `limit`. */
  fromChunk(limit: Position): Block | undefined {
    if (this.#loading) return undefined;
    const { chunks, reader } = this.#options;
    const block = chunks.block(this.position, limit);
    if (block === undefined) return undefined;
    this.position = block.end.position;
    return reader.join(block);
  }

  /** Whether what comes next stands in a file. */
  get isOnDisk(): boolean {
    return this.position < this.#options.bound();
  }

  /** Begins to read ahead where that is worth it; `onReady` tells. */
  load(): void {
    if (this.#loading || !this.isOnDisk || this.#ready.length > 1) return;
    this.#loading = true;
    this.#loadNext()
      .then(() => {
        this.#failures = 0;
      })
      .catch((error: unknown) => this.#unreadable(error))
      .finally(() => {
        this.#loading = false;
        this.reading = undefined;
        this.#options.onReady();
      });
  }

  async #loadNext(): Promise<void> {
    while (this.isOnDisk) {
      const bound = this.#options.bound();
      const segment = this.#options.segments.from(this.position);
      if (segment === undefined || segment.start >= bound) {
        this.position = bound;
        return;
      }
      this.reading = segment;
      await segment.busy;
      const end = Math.min(segment.end, bound);
      if (await this.#loadFrom(segment, end)) return;
      this.position = Math.max(this.position, end);
    }
  }

  /** Returns false where the segment has no more records before `end`. */
  async #loadFrom(segment: Segment, end: Position): Promise<boolean> {
    const { reader } = this.#options;
    const from = Math.max(this.position, segment.start);
    for (let size = READ_BYTES; from < end; size *= 2) {
      const window = await this.#window(segment, from, end, size);
      let found: Block | 'more' | 'end' = reader.next(window, from);
      while (typeof found === 'object') {
        this.#add(found);
        found = reader.next(window, this.position);
      }
      if (this.#ready.length > 0) return true;
      if (found === 'end') return false;
    }
    return false;
  }

  #add(block: Block): void {
    this.#ready.push(block);
    this.position = block.end.position;
    this.#options.memory.addBlocks(sizeOf(block));
  }

  async #window(segment: Segment, from: Position, end: Position, size: number): Promise<Window> {
    const { disk, directory } = this.#options;
    const path = `${directory}/${fileName(segment)}`;
    if (segment.condensed || segment.packed) return wholeWindow(disk, path, segment);
    const length = Math.min(size, end - from);
    const at = HEADER_BYTES + from - segment.start;
    const spare = size === READ_BYTES ? this.#spare.pop() : undefined;
    const bytes = spare ?? Buffer.allocUnsafeSlow(size);
    const read = await readInto(disk, path, at, bytes, length);
    const whole = from + length >= end;
    return {
      bytes,
      end: read,
      condensed: false,
      givenUp: false,
      whole,
      at: 0,
      place: from,
      position: from,
    };
  }

  /**
   * After some attempts what the file held is lost; the frames behind it tell how many that were.
   */
  #unreadable(error: unknown): void {
    const { segments, log, bound } = this.#options;
    const segment = segments.from(this.position);
    this.#failures += 1;
    if (this.#failures < MOST_ATTEMPTS || segment === undefined) return;
    this.#failures = 0;
    this.position = Math.min(segment.end, bound());
    log.error('a segment of the journal cannot be read: its frames are lost', {
      file: fileName(segment),
      errno: errnoOf(error),
    });
  }
}
