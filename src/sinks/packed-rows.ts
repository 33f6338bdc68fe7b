import type { Instrument } from '../market/instrument.ts';
import { MdpError } from '../runtime/errors.ts';

/** Rows of one table, in arrival order: an array, or trades and quotes in flat memory. */
export interface Rows<Row> {
  readonly length: number;
  at(index: number): Row | undefined;
  slice(from: number, to: number): Rows<Row>;
  [Symbol.iterator](): Iterator<Row>;
}

/** A row of a table that belongs to an instrument. */
export type InstrumentRow = { readonly instrument: Instrument };

/** Trades or quotes. */
export interface TickRows<Row extends InstrumentRow> extends Rows<Row> {
  /** Itself, where it is flat already. */
  readonly packed?: PackedRows<Row>;
}

/** What a row takes: seven numbers, an instrument with marks, four small numbers. */
export const ROW_BYTES = 64;
/** `numbers` of a row; the eighth stands where the words do. */
export const ROW_NUMBERS = ROW_BYTES / 8;
/** `words` of a row. */
export const ROW_WORDS = ROW_BYTES / 4;
/** Which word holds the instrument's id, and above it the row's marks. */
export const INSTRUMENT_WORD = 14;
/** Where a row's four small numbers begin. */
export const SMALL_BYTE = 60;
/** The bits of the instrument's id. */
export const INSTRUMENT_BITS = 0xff_ffff;
/** Marks of a layout's own stand between the id and this one: the row is an odd one. */
export const ODD = 1 << 30;
export const FIRST_MARK = 1 << 24;

/** Three views of one buffer, `ROW_BYTES` a row. */
export type RowMemory = {
  readonly numbers: Float64Array;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
};

/** How rows of one table lie in flat memory. */
export type RowLayout<Row> = {
  /**
   * Writes what fits and returns the row's marks; `ODD` among them where it does not fit whole and
   * is to be kept beside.
   */
  readonly write: (memory: RowMemory, index: number, row: Row) => number;
  /** The row that was written, which had no `ODD`. */
  readonly read: (memory: RowMemory, index: number, instrument: Instrument) => Row;
  /** Its place among the partitions, in integer microseconds; of odd rows too. */
  readonly timeOf: (memory: RowMemory, index: number) => number;
  /** What an odd row takes, by estimate. */
  readonly oddBytes: (row: Row) => number;
};

/** What a batch and its slices have in common. */
type Body<Row> = {
  memory: RowMemory | undefined;
  /** Rows beyond 2^53 or with a text, whole, by their place. Rare. */
  readonly odd: Map<number, Row>;
  /** By id: of this process, or of who made the rows. */
  readonly instruments: Instrument[];
};

const DAY_US = 86_400_000_000;

/**
 * Trades or quotes in flat memory, exactly as they were pushed: numbers as they are, and whole rows
 * kept beside where one does not fit (an integer beyond 2^53, a text id). No object per row lives
 * as long as the batch; those that `at` and the iterator give are made anew each time.
 *
 * Memory belongs to who gave it and goes back by `release`: after that rows and slices of them
 * throw. Grows by doubling, up to `most` rows.
 */
export class PackedRows<Row extends InstrumentRow> implements TickRows<Row> {
  readonly #layout: RowLayout<Row>;
  readonly #body: Body<Row>;
  readonly #from: number;
  readonly #most: number;
  #length: number;
  #capacity = 0;
  #oddBytes = 0;

  private constructor(
    layout: RowLayout<Row>,
    body: Body<Row>,
    { from = 0, length = 0, most = Infinity },
  ) {
    this.#layout = layout;
    this.#body = body;
    this.#from = from;
    this.#length = length;
    this.#most = most;
  }

  /** Empty rows in `buffer`, whose content does not matter. `instruments` may be shared. */
  static in<Row extends InstrumentRow>(
    layout: RowLayout<Row>,
    buffer: ArrayBuffer,
    { instruments = [], most }: { instruments?: Instrument[]; most?: number } = {},
  ): PackedRows<Row> {
    const body = { memory: viewsOf(buffer), odd: new Map<number, Row>(), instruments };
    const rows = new PackedRows(layout, body, most === undefined ? {} : { most });
    rows.#capacity = Math.floor(buffer.byteLength / ROW_BYTES);
    return rows;
  }

  /** Rows that came some other way; themselves, where they are packed. */
  static of<Row extends InstrumentRow>(
    layout: RowLayout<Row>,
    rows: TickRows<Row>,
  ): PackedRows<Row> {
    if (rows.packed !== undefined) return rows.packed;
    const packed = PackedRows.in(layout, new ArrayBuffer(rows.length * ROW_BYTES));
    for (const row of rows) packed.push(row);
    return packed;
  }

  get packed(): this {
    return this;
  }

  get length(): number {
    return this.#length;
  }

  /** What the whole batch takes: all of its memory, used or not, and rows kept beside. */
  get bytes(): number {
    return (this.#body.memory?.bytes.byteLength ?? 0) + this.#oddBytes;
  }

  /** What rows kept beside take of that. */
  get oddBytes(): number {
    return this.#oddBytes;
  }

  /** Where the first row lies in `memory`. */
  get from(): number {
    return this.#from;
  }

  /** Throws where it was released: who holds rows of a settled batch would read another's. */
  get memory(): RowMemory {
    const { memory } = this.#body;
    if (memory === undefined) throw new MdpError('invariant', 'rows are read after their release');
    return memory;
  }

  /** Returns how many bytes more `bytes` is for it: mostly 0. */
  push(row: Row): number {
    const index = this.#length;
    let taken = index < this.#capacity ? 0 : this.#grow();
    const { memory } = this;
    const { instrument } = row;
    if (this.#body.instruments[instrument.id] !== instrument) this.#meet(instrument);
    const marks = this.#layout.write(memory, index, row);
    memory.words[index * ROW_WORDS + INSTRUMENT_WORD] = instrument.id | marks;
    if ((marks & ODD) !== 0) taken += this.#keep(index, row);
    this.#length = index + 1;
    return taken;
  }

  at(index: number): Row | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    const { memory } = this;
    const place = this.#from + index;
    const word = memory.words[place * ROW_WORDS + INSTRUMENT_WORD] ?? 0;
    if ((word & ODD) !== 0) return this.oddAt(place);
    return this.#layout.read(memory, place, this.instrument(index));
  }

  /** Shares the memory. */
  slice(from: number, to: number): PackedRows<Row> {
    const length = Math.max(0, Math.min(to, this.#length) - from);
    return new PackedRows(this.#layout, this.#body, { from: this.#from + from, length });
  }

  *[Symbol.iterator](): Generator<Row> {
    for (let index = 0; index < this.#length; index += 1) {
      const row = this.at(index);
      if (row !== undefined) yield row;
    }
  }

  /** The row at a place of `memory` that is marked `ODD`. */
  oddAt(place: number): Row {
    const row = this.#body.odd.get(place);
    if (row === undefined) throw new MdpError('invariant', 'an odd row was not kept');
    return row;
  }

  instrumentId(index: number): number {
    const word = this.memory.words[(this.#from + index) * ROW_WORDS + INSTRUMENT_WORD] ?? 0;
    return word & INSTRUMENT_BITS;
  }

  instrument(index: number): Instrument {
    const instrument = this.#body.instruments[this.instrumentId(index)];
    if (instrument === undefined) throw new MdpError('invariant', 'an instrument was never met');
    return instrument;
  }

  /** One time, in integer microseconds, of each day in UTC that rows lie in. */
  days(): readonly number[] {
    const { memory } = this;
    const { timeOf } = this.#layout;
    const found = new Map<number, number>();
    let dayEnds = -Infinity;
    for (let place = this.#from; place < this.#from + this.#length; place += 1) {
      const time = timeOf(memory, place);
      if (time < dayEnds && time >= dayEnds - DAY_US) continue;
      const day = Math.floor(time / DAY_US);
      dayEnds = (day + 1) * DAY_US;
      if (!found.has(day)) found.set(day, time);
    }
    return [...found.values()];
  }

  /** Gives the memory back, once: nothing reads these rows any more. */
  release(): ArrayBuffer | undefined {
    const buffer = this.#body.memory?.bytes.buffer;
    this.#body.memory = undefined;
    this.#body.odd.clear();
    return buffer instanceof ArrayBuffer ? buffer : undefined;
  }

  /** Returns how many bytes more there are. */
  #grow(): number {
    const { bytes } = this.memory;
    const rows = Math.max(this.#capacity + 1, Math.min(this.#capacity * 2, this.#most));
    const larger = viewsOf(new ArrayBuffer(rows * ROW_BYTES));
    larger.bytes.set(bytes);
    this.#body.memory = larger;
    this.#capacity = rows;
    return larger.bytes.byteLength - bytes.byteLength;
  }

  #keep(index: number, row: Row): number {
    const bytes = this.#layout.oddBytes(row);
    this.#body.odd.set(index, row);
    this.#oddBytes += bytes;
    return bytes;
  }

  /** Two instruments of one id would be taken for each other. */
  #meet(instrument: Instrument): void {
    const { id, venue, symbol } = instrument;
    const known = this.#body.instruments[id];
    const isOther = known !== undefined && (known.venue !== venue || known.symbol !== symbol);
    if (isOther || (id & INSTRUMENT_BITS) !== id) {
      throw new MdpError('invariant', 'an instrument has no id of its own', { context: { id } });
    }
    this.#body.instruments[id] = instrument;
  }
}

function viewsOf(buffer: ArrayBuffer): RowMemory {
  return {
    numbers: new Float64Array(buffer),
    words: new Int32Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}
