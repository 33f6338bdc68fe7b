import type { StateRecord } from '../market/record.ts';
import { blockOf, Run, type Block, type Dropped } from './block.ts';
import { Decoder } from './decode.ts';
import { low32, viewOf } from './format.ts';
import type { Mark, Position } from './record-buffer.ts';

/** Bytes of a segment, or of its beginning, that are being read. */
export type Window = {
  readonly bytes: Buffer;
  readonly end: number;
  /** Positions are told by skips alone: a segment that was condensed. */
  readonly condensed: boolean;
  /** What the skips tell of was given up by this process. */
  readonly givenUp: boolean;
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

/** Bytes that are no records, where intact ones should stand: a copy. */
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
  /** Behind the last record that was read. */
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

  /** The block was read elsewhere, and is the next one: tells what is missing in front of it. */
  join(block: Block): Block {
    const missing = block.end.frames - block.frames - this.#frames;
    this.#lost += Math.max(0, missing);
    this.#frames = block.end.frames;
    return this.#lost === 0 ? block : this.#withLost(block);
  }

  /** The next block of records that stand at `from` or behind it. */
  next(window: Window, from: Position): Next {
    const { cursor } = this.#decoder;
    if (cursor.bytes !== window.bytes) cursor.use(window.bytes, viewOf(window.bytes));
    let run: Run | undefined;
    while (window.at < window.end && (run?.isFilled !== true || cursor.isFollowed)) {
      const found = this.#decoder.read(window.at, window.end, window.place);
      if (found === 'short' || found === 'damaged') {
        const isPassed = this.#stepOver(window, found);
        if (run !== undefined || !isPassed) break;
      } else if (found === 'skip') {
        if (run !== undefined) break;
        const told = this.#takeSkip(window, from);
        if (told !== undefined) return told;
      } else {
        const isWanted = window.position !== undefined && window.position >= from;
        if (isWanted && run !== undefined && this.#missing() > 0) break;
        if (isWanted) run = this.#take(window, run);
        this.#pass(window, cursor.size);
      }
    }
    if (run !== undefined) return this.#finished(run, window.position);
    return window.at < window.end ? 'more' : 'end';
  }

  #take(window: Window, run: Run | undefined): Run {
    const { cursor } = this.#decoder;
    const taken = run ?? this.#begin(window);
    taken.take(cursor.size, cursor.kind);
    if (cursor.isFrame) this.#frames += 1;
    return taken;
  }

  #begin({ at, position = 0 }: Window): Run {
    const { bytes, view } = this.#decoder.cursor;
    this.#noteMissing();
    return new Run(bytes, view, at, { position, frames: this.#frames });
  }

  /** Behind it may be damage that was stepped over: the block ends behind that. */
  #finished(run: Run, end: Position | undefined): Block {
    const block = this.#withLost(run.block());
    return end === undefined ? block : { ...block, end: { ...block.end, position: end } };
  }

  /** What stands in place of records that were given up, told in a block of its own. */
  #takeSkip(window: Window, from: Position): Block | undefined {
    const { skip, cursor } = this.#decoder;
    if (skip === undefined) return undefined;
    const { position, span, dropped } = skip;
    const isWanted = position >= from;
    if (isWanted) this.#noteMissing();
    const start = { position, frames: this.#frames };
    this.#pass(window, cursor.size);
    window.position = position + span;
    this.#intactEnd = window.position;
    if (!isWanted) return undefined;
    this.#frames += dropped.reduce((sum, { count }) => sum + count, 0);
    if (dropped.length === 0) return undefined;
    const end = { position: window.position, frames: this.#frames };
    const { givenUp } = window;
    return { ...this.#withLost(blockOf(dropped.map(droppedRecord), start)), givenUp, end };
  }

  #withLost(block: Block): Block {
    const lost = this.#lost;
    this.#lost = 0;
    return { ...block, lost };
  }

  #pass(window: Window, size: number): void {
    advance(window, size);
    if (window.position !== undefined) this.#intactEnd = window.position;
  }

  #noteMissing(): void {
    const missing = this.#missing();
    this.#lost += missing;
    this.#frames += missing;
  }

  #missing(): number {
    const ahead = low32(this.#decoder.cursor.framesBefore - this.#frames);
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
      bytes: Buffer.from(window.bytes.subarray(window.at, end)),
    });
    advance(window, end - window.at);
    if (window.condensed) window.position = undefined;
    return true;
  }

  /** Behind damage in a condensed segment only a skip knows where it stands. */
  #nextIntact(window: Window): number | undefined {
    for (let at = window.at + 1; at < window.end; at += 1) {
      const found = this.#decoder.read(at, window.end, window.place + at - window.at);
      if (found === 'skip' || (found === 'record' && !window.condensed)) return at;
    }
    return undefined;
  }
}

const advance = (window: Window, bytes: number): void => {
  window.at += bytes;
  window.place += bytes;
  if (window.position !== undefined) window.position += bytes;
};

export const droppedRecord = (dropped: Dropped): StateRecord => ({
  kind: 'state',
  state: 'dropped',
  symbols: [],
  ...dropped,
});
