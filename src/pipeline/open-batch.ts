import type { Instrument } from '../market/instrument.ts';
import {
  PackedRows,
  ROW_BYTES,
  type InstrumentRow,
  type RowLayout,
  type TickRows,
} from '../sinks/packed-rows.ts';
import type { Batch } from '../sinks/sink.ts';
import type { BatchOrigin } from './batch-trace.ts';
import type { BatcherOptions, OpenedBatch } from './batcher.ts';
import type { SpareMemory } from './spare-memory.ts';

/** New memory has room for as many rows as the last batch had, and these; it grows by doubling. */
const LEAST_ROWS = 64;

/** An open batch, whatever its rows. `add` of each kind says whether it is full now. */
export interface OpenBatch {
  readonly count: number;
  readonly openedAt: number;
  /** Before the first row. */
  begin(at: number, origin: BatchOrigin | undefined): void;
  take(): OpenedBatch;
}

type Bounds = Pick<BatcherOptions, 'maxRows' | 'maxBytes' | 'onBytes'>;

/** Rows that are few or large, as objects. */
export class ListBatch<Row> implements OpenBatch {
  readonly #bounds: Bounds;
  readonly #make: (rows: readonly Row[], bytes: number) => Batch;
  #rows: Row[] = [];
  #bytes = 0;
  #origin: BatchOrigin | undefined;
  openedAt = 0;

  constructor(bounds: Bounds, make: (rows: readonly Row[], bytes: number) => Batch) {
    this.#bounds = bounds;
    this.#make = make;
  }

  get count(): number {
    return this.#rows.length;
  }

  at(index: number): Row | undefined {
    return this.#rows[index];
  }

  /** In place of the row that was there. */
  replace(index: number, row: Row): void {
    this.#rows[index] = row;
  }

  begin(at: number, origin: BatchOrigin | undefined): void {
    this.openedAt = at;
    this.#origin = origin;
  }

  add(row: Row, bytes: number): boolean {
    const { maxRows, maxBytes, onBytes } = this.#bounds;
    this.#rows.push(row);
    this.#bytes += bytes;
    onBytes(bytes);
    return this.#rows.length >= maxRows || this.#bytes >= maxBytes;
  }

  take(): OpenedBatch {
    const batch = this.#make(this.#rows, this.#bytes);
    this.#rows = [];
    this.#bytes = 0;
    return { batch, openedAt: this.openedAt, origin: this.#origin };
  }
}

type FlatBounds = Bounds & {
  readonly spare: SpareMemory;
  /** By id. */
  readonly instruments: Instrument[];
};

/** Rows that are many, in flat memory. */
export class PackedBatch<Row extends InstrumentRow> implements OpenBatch {
  readonly #layout: RowLayout<Row>;
  readonly #bounds: FlatBounds;
  readonly #make: (rows: TickRows<Row>, bytes: number) => Batch;
  #rows: PackedRows<Row>;
  /** At this many it is full: fewer, the more its odd rows take. */
  #most = 0;
  /** Rows of the batch before. */
  #last = 0;
  #origin: BatchOrigin | undefined;
  count = 0;
  openedAt = 0;

  constructor(
    layout: RowLayout<Row>,
    bounds: FlatBounds,
    make: (rows: TickRows<Row>, bytes: number) => Batch,
  ) {
    this.#layout = layout;
    this.#bounds = bounds;
    this.#make = make;
    this.#rows = PackedRows.in(layout, new ArrayBuffer(0));
  }

  begin(at: number, origin: BatchOrigin | undefined): void {
    this.openedAt = at;
    this.#origin = origin;
    this.#most = this.#mostRows(0);
    const { spare, instruments, onBytes } = this.#bounds;
    const first = Math.min(Math.max(LEAST_ROWS, this.#last), this.#most);
    const buffer = spare.take() ?? new ArrayBuffer(first * ROW_BYTES);
    this.#rows = PackedRows.in(this.#layout, buffer, { instruments, most: this.#most });
    onBytes(this.#rows.bytes);
  }

  add(row: Row): boolean {
    const taken = this.#rows.push(row);
    this.count += 1;
    if (taken > 0) this.#grown(taken);
    return this.count >= this.#most;
  }

  take(): OpenedBatch {
    const batch = this.#make(this.#rows, this.#rows.bytes);
    this.#last = this.count;
    this.count = 0;
    return { batch, openedAt: this.openedAt, origin: this.#origin };
  }

  #grown(bytes: number): void {
    this.#bounds.onBytes(bytes);
    if (this.#rows.oddBytes > 0) this.#most = this.#mostRows(this.#rows.oddBytes);
  }

  #mostRows(oddBytes: number): number {
    const { maxRows, maxBytes } = this.#bounds;
    return Math.min(maxRows, Math.max(1, Math.ceil((maxBytes - oddBytes) / ROW_BYTES)));
  }
}
