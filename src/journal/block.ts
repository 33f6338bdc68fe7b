import type { FrameRecord, MarketRecord } from '../market/record.ts';
import { receiveTime, type ReceiveTime } from '../market/time.ts';
import { roomFor, writeRecord, type Target } from './encode.ts';
import { BODY_AT, KIND, viewOf } from './format.ts';
import { RecordCursor } from './record-cursor.ts';
import type { Mark, Position } from './record-buffer.ts';

/** A block ends at so many records or bytes, but never within a group. */
const BLOCK_RECORDS = 512;
const BLOCK_BYTES = 256 * 1024;

/**
 * Whole records in order, back to back in the form of the journal's file, in `[from, to)` of
 * `bytes`. Their positions are as far apart as their bytes; the rows of a frame may use the numbers
 * from its position on, as a frame is longer than its rows are many.
 */
export type Block = {
  readonly bytes: Buffer;
  /** Over all of `bytes`. */
  readonly view: DataView;
  readonly from: number;
  readonly to: number;
  /** Of the first record. */
  readonly position: Position;
  readonly records: number;
  readonly frames: number;
  /** Of the last record. */
  readonly lastReceive: ReceiveTime;
  /** Frames that stood directly before this block and could not be read any more. */
  readonly lost: number;
  /** Its records tell of frames that this process gave up unread. */
  readonly givenUp?: boolean;
  /** Just behind the last record. */
  readonly end: Mark;
};

/** What the records of a block take in memory. */
export const sizeOf = ({ from, to }: Block): number => to - from;

/** Whole records that lie one behind another: a block on its way. */
export class Run {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #from: number;
  readonly #start: Mark;
  #to: number;
  #last: number;
  #records = 0;
  #frames = 0;

  /** Begins at `from` of `bytes`, in front of the record at `start`. */
  constructor(bytes: Buffer, view: DataView, from: number, start: Mark) {
    this.#bytes = bytes;
    this.#view = view;
    this.#from = from;
    this.#to = from;
    this.#last = from;
    this.#start = start;
  }

  get records(): number {
    return this.#records;
  }

  get isFilled(): boolean {
    return this.#records >= BLOCK_RECORDS || this.#to - this.#from >= BLOCK_BYTES;
  }

  /** The next record takes `size` bytes; `kind` is its kind in the file. */
  take(size: number, kind: number): void {
    this.#last = this.#to;
    this.#to += size;
    this.#records += 1;
    if (kind <= KIND.utf16) this.#frames += 1;
  }

  block(): Block {
    const { position, frames } = this.#start;
    return {
      bytes: this.#bytes,
      view: this.#view,
      from: this.#from,
      to: this.#to,
      position,
      records: this.#records,
      frames: this.#frames,
      lastReceive: receiveTime(this.#view.getFloat64(this.#last + 14, true)),
      lost: 0,
      end: { position: position + this.#to - this.#from, frames: frames + this.#frames },
    };
  }
}

/** A block of records that were in no file. */
export const blockOf = (records: readonly MarketRecord[], start: Mark): Block =>
  new Blocks().block(records, start);

/** Makes one block at a time of records that were in no file: its bytes are used again. */
export class Blocks {
  #target: Target = targetOf(0);

  block(records: readonly MarketRecord[], start: Mark): Block {
    const room = records.reduce((sum, record) => sum + roomFor(record), 0);
    if (this.#target.bytes.length < room) this.#target = targetOf(room);
    const { bytes, view } = this.#target;
    const run = new Run(bytes, view, 0, start);
    let at = 0;
    for (const record of records) {
      const size = writeRecord(this.#target, at, 0, record);
      run.take(size, bytes[at + BODY_AT] ?? 0);
      at += size;
    }
    return run.block();
  }
}

const targetOf = (room: number): Target => {
  const bytes = Buffer.allocUnsafeSlow(room);
  return { bytes, view: viewOf(bytes) };
};

/** A record as an object, where it stands. */
export type Stored<Kind extends MarketRecord = MarketRecord> = {
  readonly position: Position;
  readonly record: Kind;
};

/** The records of a block as objects, for whoever is in no hurry. */
export const recordsIn = (block: Block): readonly Stored[] => {
  const cursor = new RecordCursor();
  cursor.use(block.bytes, block.view);
  const stored: Stored[] = [];
  for (let at = block.from; at < block.to; at += cursor.size) {
    cursor.stand(at);
    const record = cursor.record();
    const position = block.position + at - block.from;
    if (record !== undefined) stored.push({ position, record });
  }
  return stored;
};

/** What a frame costs in memory beside its text, while it waits as an object. */
const RECORD_OVERHEAD = 96;

export const memoryOf = (record: MarketRecord): number =>
  record.kind === 'frame' ? record.text.length + RECORD_OVERHEAD : RECORD_OVERHEAD;

/** Frames given up by policy, one entry a connection: what a `dropped` record tells. */
export type Dropped = Pick<FrameRecord, 'source' | 'connection' | 'receiveTime'> & {
  readonly count: number;
};
