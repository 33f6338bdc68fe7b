import type { FrameRecord, MarketRecord } from '../market/record.ts';
import { Run, type Block } from './block.ts';
import {
  encodeRecord,
  linkRecord,
  roomFor,
  sealGroup,
  writeRecord,
  type Target,
} from './encode.ts';
import { BODY_AT, FOLLOWED, framesBefore, KIND_BITS, low32, recordSize, viewOf } from './format.ts';
import type { Mark, Position } from './record-buffer.ts';

const CHUNK_BYTES = 256 * 1024;
/** Buffers kept for the next chunk. */
const SPARE_CHUNKS = 32;

/** Records in the form of the file, not yet synced to it. A chunk is never in two segments. */
export type Chunk = Target & {
  readonly start: Mark;
  /** A segment begins here. */
  readonly opens: boolean;
  filled: number;
};

/**
 * What has been taken in and is not safe on disk: chunks of encoded records, in order and without a
 * hole. A record is encoded once, into a reused buffer; the same bytes are written, read back from
 * here by a reader that is a little behind, and written again when a sync has failed.
 */
export class Chunks {
  readonly list: Chunk[] = [];
  readonly #segmentBytes: number;
  readonly #spare: Target[] = [];
  #position: Position;
  #frames: number;
  #segmentStart: Position;
  #cut = true;
  /** Of the list: the one that is being filled. */
  #last: Chunk | undefined;
  /** Whoever has the last block reads these. */
  #lent: Buffer | undefined;

  constructor(start: Mark, segmentBytes: number) {
    this.#position = start.position;
    this.#frames = start.frames;
    this.#segmentStart = start.position;
    this.#segmentBytes = segmentBytes;
  }

  /** Behind the last record, as a number: for every push. */
  get position(): Position {
    return this.#position;
  }

  /** Behind the last record. */
  get end(): Mark {
    return { position: this.#position, frames: this.#frames };
  }

  /** In front of the first record that is still here. */
  get start(): Position {
    return this.list[0]?.start.position ?? this.#position;
  }

  /** Bytes of the segment that is being filled. */
  get segmentBytes(): number {
    return this.#position - this.#segmentStart;
  }

  /** Takes the record in; returns its bytes. */
  append(record: MarketRecord): number {
    const chunk = this.#chunkFor(roomFor(record));
    const position = this.#position;
    const size = encodeRecord(chunk, chunk.filled, position, this.#frames, record);
    chunk.filled += size;
    this.#position = position + size;
    if (record.kind === 'frame') this.#frames += 1;
    return size;
  }

  /**
   * Takes frames in that came together: as one group, or one for each chunk that they lie in.
   * Returns their bytes.
   */
  appendFrames(frames: readonly FrameRecord[]): number {
    const begin = this.#position;
    let chunk: Chunk | undefined;
    let from = 0;
    let last = 0;
    for (const frame of frames) {
      const next = this.#chunkFor(roomFor(frame));
      if (next === chunk) linkRecord(next, last, next.start.position + last, frame.source);
      else {
        if (chunk !== undefined) seal(chunk, from, last, frame.source);
        chunk = next;
        from = next.filled;
      }
      last = next.filled;
      const size = writeRecord(next, last, this.#frames, frame);
      next.filled += size;
      this.#position += size;
      this.#frames += 1;
    }
    const source = frames[0]?.source;
    if (chunk !== undefined && source !== undefined) seal(chunk, from, last, source);
    return this.#position - begin;
  }

  /** The next record begins a segment. */
  cut(): void {
    this.#cut = true;
  }

  /** Where the chunk ends, as far as it is filled. */
  endOf(chunk: Chunk): Mark {
    return this.list[this.list.indexOf(chunk) + 1]?.start ?? this.end;
  }

  /** The chunk that holds the record at `position`. */
  at(position: Position): Chunk | undefined {
    return this.list.find(
      ({ start, filled }) => position >= start.position && position < start.position + filled,
    );
  }

  /**
   * A block of what stands from `position` on, up to `limit`; undefined where nothing does. Its
   * bytes are the chunk's own, and not used again before the next call.
   */
  block(position: Position, limit: Position): Block | undefined {
    const chunk = this.at(position);
    this.#lent = chunk?.bytes;
    if (chunk === undefined || position >= limit) return undefined;
    const { bytes, view, start } = chunk;
    // Differences of positions are doubles: as integers they stay so in all that reads with them.
    const end = Math.min(chunk.filled, limit - start.position) | 0;
    let at = (position - start.position) | 0;
    const before = low32(framesBefore(view, at) - start.frames);
    const run = new Run(bytes, view, at, { position, frames: start.frames + before });
    let isFollowed = false;
    while (at < end && (isFollowed || !run.isFilled)) {
      const size = recordSize(view, at);
      if (at + size > end) break;
      const kind = bytes[at + BODY_AT] ?? 0;
      run.take(size, kind & KIND_BITS);
      isFollowed = (kind & FOLLOWED) !== 0;
      at += size;
    }
    return run.records === 0 ? undefined : run.block();
  }

  /** Chunks that have something behind `position`. */
  countFrom(position: Position): number {
    return this.list.reduce((sum, { start, filled }) => {
      return start.position + filled > position ? sum + 1 : sum;
    }, 0);
  }

  /** Nothing before `position` is needed any more: its chunks are given back. */
  release(position: Position): void {
    for (let first = this.list[0]; first !== undefined; first = this.list[0]) {
      const isFilling = this.list.length === 1 && first.filled < first.bytes.length / 2;
      if (first.start.position + first.filled > position || isFilling) return;
      this.list.shift();
      if (first === this.#last) this.#last = undefined;
      const isFit = first.bytes.length === CHUNK_BYTES && first.bytes !== this.#lent;
      if (isFit && this.#spare.length < SPARE_CHUNKS) this.#spare.push(first);
    }
  }

  #chunkFor(room: number): Chunk {
    const last = this.#last;
    if (this.segmentBytes >= this.#segmentBytes) this.#cut = true;
    if (last !== undefined && !this.#cut && last.filled + room <= last.bytes.length) return last;
    const { bytes, view } = this.#buffer(room);
    const chunk = { bytes, view, start: this.end, opens: this.#cut, filled: 0 };
    if (this.#cut) this.#segmentStart = this.#position;
    this.#cut = false;
    this.list.push(chunk);
    this.#last = chunk;
    return chunk;
  }

  #buffer(room: number): Target {
    const spare = room <= CHUNK_BYTES ? this.#spare.pop() : undefined;
    if (spare !== undefined) return spare;
    const bytes = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, room));
    return { bytes, view: viewOf(bytes) };
  }
}

const seal = (chunk: Chunk, from: number, last: number, source: string): void =>
  sealGroup(chunk, from, last, chunk.start.position + last, source);
