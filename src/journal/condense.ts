import type { MarketRecord } from '../market/record.ts';
import type { Window } from './block-reader.ts';
import { Decoder } from './decode.ts';
import { encodeRecord, encodeSkip, roomFor, roomForSkip, type Skip } from './encode.ts';
import { encodeHeader, viewOf } from './format.ts';
import type { Dropped } from './block.ts';
import type { Segment } from './segments.ts';

/** A segment without its frames, and how many each source lost. */
export type Condensed = {
  readonly parts: readonly Buffer[];
  readonly dropped: ReadonlyMap<string, number>;
};

type Run = { position: number; frames: number; dropped: Map<string, Dropped> };

/**
 * Gives up the frames of a segment: ticks and states keep their positions, and each run of frames
 * between them is replaced by one record that tells how many there were of each connection. Damaged
 * bytes are left out; the running number of frames tells of those as before.
 */
export const condense = (window: Window, segment: Segment): Condensed => {
  const decoder = new Decoder();
  const { cursor } = decoder;
  cursor.use(window.bytes, viewOf(window.bytes));
  const writer = new Writer(segment);
  while (window.at < window.end) {
    const found = decoder.read(window.at, window.end, window.place);
    const record = found === 'record' ? cursor.record() : undefined;
    if (record === undefined) writer.close(window.place);
    else writer.take(record, window.place, cursor.framesBefore);
    const size = record === undefined ? 1 : cursor.size;
    window.at += size;
    window.place += size;
  }
  writer.close(segment.end);
  return { parts: [headerOf(segment), ...writer.parts], dropped: writer.dropped };
};

const headerOf = ({ start, frames, created, end }: Segment): Buffer =>
  encodeHeader({ start, frames, created, end });

class Writer {
  readonly parts: Buffer[] = [];
  readonly dropped = new Map<string, number>();
  #place: number;
  #run: Run | undefined;
  /** Where the next record would have to stand for its position to be known without a skip. */
  #expected: number;

  constructor(segment: Segment) {
    this.#place = segment.start;
    this.#expected = segment.start;
  }

  take(record: MarketRecord, position: number, frames: number): void {
    if (record.kind !== 'frame') {
      this.close(position);
      if (this.#expected !== position)
        this.#skip({ position, frames, dropped: new Map() }, position);
      this.#write(roomFor(record), (target, place) => {
        const size = encodeRecord(target, 0, place, frames, record);
        this.#expected += size;
        return size;
      });
      return;
    }
    this.#run ??= { position, frames, dropped: new Map() };
    const { source, connection, receiveTime } = record;
    const key = `${source} ${connection}`;
    const count = (this.#run.dropped.get(key)?.count ?? 0) + 1;
    this.#run.dropped.set(key, { source, connection, receiveTime, count });
    this.dropped.set(source, (this.dropped.get(source) ?? 0) + 1);
  }

  /** What stands from here on belongs to no run of frames. */
  close(end: number): void {
    if (this.#run === undefined) return;
    this.#skip(this.#run, end);
    this.#run = undefined;
  }

  #skip({ position, frames, dropped }: Run, end: number): void {
    const skip: Skip = { position, span: end - position, dropped: [...dropped.values()] };
    this.#write(roomForSkip(skip), (target, place) => encodeSkip(target, 0, place, frames, skip));
    this.#expected = end;
  }

  #write(
    room: number,
    encode: (target: { bytes: Buffer; view: DataView }, place: number) => number,
  ): void {
    const bytes = Buffer.allocUnsafe(room);
    const size = encode({ bytes, view: viewOf(bytes) }, this.#place);
    this.parts.push(bytes.subarray(0, size));
    this.#place += size;
  }
}
