import { addRecord, emptyBlock, hasRoom } from './blocks.ts';
import { Decoder } from './decode.ts';
import type { Skip } from './encode.ts';
import { low32 } from './format.ts';
import type { Block, Dropped, Mark, Position } from './record-buffer.ts';
import type { StateRecord } from '../market/record.ts';

/** Bytes of a segment, or of its beginning, that are being read. */
export type Window = {
  readonly bytes: Buffer;
  readonly end: number;
  /** Positions are told by skips alone: a segment that was condensed. */
  readonly condensed: boolean;
  /** Nothing of the segment follows behind `end`. */
  readonly whole: boolean;
  /**
   * The next byte, where it stands in the journal, and its position: undefined behind damage in a
   * condensed segment.
   */
  at: number;
  place: number;
  position: Position | undefined;
};

/** Bytes that are no records, where intact ones should stand. */
export type Damage = { readonly position: Position; readonly bytes: Buffer };

/**
 * more: the window ends within a record, and the segment goes on. end: nothing is left in the
 * window.
 */
export type Next = Block | 'more' | 'end';

/**
 * Cuts windows into blocks. Damaged bytes are stepped over to the next intact record, which a
 * search for its CRC finds; how many frames they held is told by the running number behind them.
 */
export class BlockReader {
  readonly #decoder = new Decoder();
  readonly #onDamage: (damage: Damage) => void;
  /** Frames before the next record, as far as has been read. */
  #frames: number;
  /** A block ends behind the damage that follows its last record; this does not. */
  #intactEnd: Position | undefined;
  /** Frames that were missing in front of the next record. */
  #lost = 0;

  constructor(frames: number, onDamage: (damage: Damage) => void) {
    this.#frames = frames;
    this.#onDamage = onDamage;
  }

  /** Behind the last record that was read; undefined before the first. */
  get intactEnd(): Mark | undefined {
    const position = this.#intactEnd;
    return position === undefined ? undefined : { position, frames: this.#frames };
  }

  /** Someone else has read on. */
  continueAt(mark: Mark): void {
    this.#frames = mark.frames;
  }

  /** The next block of records that stand at `from` or behind it. */
  next(window: Window, from: Position): Next {
    this.#decoder.use(window.bytes);
    const block = emptyBlock({ position: from, frames: this.#frames });
    while (window.at < window.end && hasRoom(block)) {
      const found = this.#decoder.read(window.at, window.end, window.place);
      const read = found === 'record' || found === 'skip';
      if (read ? !this.#take(window, block, from) : !this.#stepOver(window, found)) break;
    }
    if (block.records.length > 0) {
      block.end = { position: window.position ?? from, frames: this.#frames };
      return block;
    }
    return window.at < window.end ? 'more' : 'end';
  }

  /**
   * Returns false where the record must begin a block of its own, because frames were lost in front
   * of it.
   */
  #take(window: Window, block: Block, from: Position): boolean {
    const { skip, size } = this.#decoder;
    const position = skip?.position ?? window.position;
    if (position !== undefined && position >= from) {
      const lost = this.#missing();
      if (lost > 0 && block.records.length > 0) return this.#forget();
      this.#lost += lost;
      this.#frames += lost;
      this.#add(block, position);
      if (block.records.length > 0) this.#tellLost(block);
    }
    advance(window, size);
    if (skip !== undefined) window.position = skip.position + skip.span;
    if (window.position !== undefined) this.#intactEnd = window.position;
    this.#forget();
    return true;
  }

  #tellLost(block: Block): void {
    block.lost += this.#lost;
    this.#lost = 0;
  }

  #forget(): false {
    this.#decoder.skip = undefined;
    return false;
  }

  #add(block: Block, position: Position): void {
    const { skip, record } = this.#decoder;
    if (skip !== undefined) {
      this.#frames += framesOf(skip);
      for (const [i, dropped] of skip.dropped.entries()) {
        addRecord(block, droppedRecord(dropped), position + i);
      }
    } else if (record !== undefined) {
      addRecord(block, record, position);
      if (record.kind === 'frame') this.#frames += 1;
    }
  }

  #missing(): number {
    const ahead = low32(this.#decoder.frames - this.#frames);
    return ahead < 2 ** 31 ? ahead : 0;
  }

  /** Returns false where more bytes are needed to tell. */
  #stepOver(window: Window, found: 'short' | 'damaged'): boolean {
    if (found === 'short' && !window.whole) return false;
    const next = this.#nextIntact(window);
    if (next === undefined && !window.whole) return false;
    const end = next ?? window.end;
    this.#onDamage({
      position: window.position ?? window.place,
      bytes: window.bytes.subarray(window.at, end),
    });
    advance(window, end - window.at);
    if (window.condensed) window.position = undefined;
    return true;
  }

  /** Behind damage in a condensed segment only a skip knows where it stands. */
  #nextIntact(window: Window): number | undefined {
    for (let at = window.at + 1; at < window.end; at += 1) {
      const found = this.#decoder.read(at, window.end, window.place + at - window.at);
      if (found === 'skip' || (found === 'record' && !window.condensed)) {
        this.#forget();
        return at;
      }
    }
    return undefined;
  }
}

const advance = (window: Window, bytes: number): void => {
  window.at += bytes;
  window.place += bytes;
  if (window.position !== undefined) window.position += bytes;
};

const framesOf = (skip: Skip): number => skip.dropped.reduce((sum, { count }) => sum + count, 0);

export const droppedRecord = (dropped: Dropped): StateRecord => ({
  kind: 'state',
  state: 'dropped',
  symbols: [],
  ...dropped,
});
