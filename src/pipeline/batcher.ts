import type { Bar } from '../market/bar.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { quoteLayout } from '../sinks/packed-quotes.ts';
import { ROW_BYTES } from '../sinks/packed-rows.ts';
import { tradeLayout } from '../sinks/packed-trades.ts';
import type { Batch, DeadLetter, Table } from '../sinks/sink.ts';
import type { BatchOrigin, BatchTrace } from './batch-trace.ts';
import { GapBatch } from './gap-batch.ts';
import { ListBatch, PackedBatch, type OpenBatch } from './open-batch.ts';
import { SpareMemory } from './spare-memory.ts';

/** A batch with what the pipeline must know of it on its way. */
export type OpenedBatch = {
  readonly batch: Batch;
  /** Our clock, µs, when its first row was added. */
  readonly openedAt: number;
  /** Of its first row; undefined where nobody traces. */
  readonly origin?: BatchOrigin | undefined;
};

/** A batch on its way through the sink. */
export type QueuedBatch = OpenedBatch & {
  /** Between which checkpoints it was cut, and the epochs that its settling lets go. */
  readonly epoch: number;
  readonly held: readonly number[];
  /** undefined where nobody traces. */
  readonly trace?: BatchTrace | undefined;
};

export type BatcherOptions = {
  readonly maxRows: number;
  /** Of a batch's rows: 64 bytes a trade or quote, and what those take that are kept beside. */
  readonly maxBytes: number;
  readonly flushMs: number;
  readonly clock: Clock;
  /**
   * Whether a sink worker is waiting for work. While none is, a batch whose age is reached goes on
   * filling.
   */
  readonly idle: () => boolean;
  /** Memory was taken for rows: with the batch that has them, `Batch.bytes` are free again. */
  readonly onBytes: (bytes: number) => void;
  readonly cut: (opened: OpenedBatch) => void;
  /** The record at hand; undefined where nobody traces. */
  readonly origin?: (() => BatchOrigin) | undefined;
};

/** What a row costs while it waits as an object: estimates of heap. */
const OBJECT_BYTES: Readonly<Record<'bar' | 'gap' | 'dead_letter', number>> = {
  bar: 640,
  gap: 192,
  dead_letter: 192,
};

/** Memory that is kept for the next batches, in batches of the largest size. */
const SPARE_BATCHES = 4;

/**
 * Gathers rows of one table each and cuts a batch at `maxRows`, `maxBytes` or, while a worker is
 * idle, at the age of `flushMs`. Every row added comes out in exactly one batch, in order. Trades
 * and quotes lie in flat memory, which is used again when their batch is given back by `release`.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #spare: SpareMemory;
  readonly #trade: PackedBatch<Trade>;
  readonly #quote: PackedBatch<Quote>;
  readonly #bar: ListBatch<Bar>;
  readonly #gap: GapBatch;
  readonly #dead: ListBatch<DeadLetter>;
  readonly #all: readonly OpenBatch[];
  #timer: Timer | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
    const largest = Math.min(options.maxRows * ROW_BYTES, options.maxBytes);
    this.#spare = new SpareMemory(largest * SPARE_BATCHES);
    const instruments: Instrument[] = [];
    const flat = { ...options, spare: this.#spare, instruments };
    this.#trade = new PackedBatch(tradeLayout, flat, (rows, bytes) => ({
      table: 'trade',
      rows,
      bytes,
    }));
    this.#quote = new PackedBatch(quoteLayout, flat, (rows, bytes) => ({
      table: 'quote',
      rows,
      bytes,
    }));
    this.#bar = new ListBatch(options, (rows, bytes) => ({ table: 'bar', rows, bytes }));
    this.#gap = new GapBatch(options, (rows, bytes) => ({ table: 'gap', rows, bytes }));
    this.#dead = new ListBatch(options, (rows, bytes) => ({ table: 'dead_letter', rows, bytes }));
    this.#all = [this.#gap, this.#trade, this.#quote, this.#bar, this.#dead];
  }

  trade(row: Trade): void {
    const open = this.#trade;
    const first = open.count === 0;
    if (first) this.#begin(open);
    this.#added(open, first, open.add(row));
  }

  quote(row: Quote): void {
    const open = this.#quote;
    const first = open.count === 0;
    if (first) this.#begin(open);
    this.#added(open, first, open.add(row));
  }

  bar(row: Bar): void {
    this.#add(this.#bar, row, OBJECT_BYTES.bar);
  }

  gap(row: Gap): void {
    this.#add(this.#gap, row, OBJECT_BYTES.gap);
  }

  /** Makes dropped trades part of an open row that ends where they begin; false: there is none. */
  joinGap(row: Gap): boolean {
    return this.#gap.join(row);
  }

  deadLetter(row: DeadLetter): void {
    this.#add(this.#dead, row, OBJECT_BYTES.dead_letter + row.payload.byteLength);
  }

  /** A batch is settled or was given up: nobody reads its rows any more. */
  release({ table, rows }: Batch): void {
    if (table !== 'trade' && table !== 'quote') return;
    const buffer = rows.packed?.release();
    if (buffer !== undefined) this.#spare.give(buffer);
  }

  /** Memory that is kept for the next batches. */
  get spareBytes(): number {
    return this.#spare.bytes;
  }

  /** Rows in open batches of a table. */
  open(table: Table): number {
    return this.#openOf(table).count;
  }

  /**
   * Cuts everything that is open, whatever its age, until nothing is: a batch that is given up for
   * another leaves gaps, which are rows again.
   */
  flush(): void {
    while (this.#all.some(({ count }) => count > 0)) {
      for (const open of this.#all) this.#cut(open);
    }
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A worker has become idle: what has reached its age is cut now. */
  flushAged(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#options.idle()) return;
    const now = this.#options.clock.now();
    const ageUs = this.#options.flushMs * 1000;
    for (const open of this.#all) {
      if (open.count > 0 && now - open.openedAt >= ageUs) this.#cut(open);
    }
    this.#arm();
  }

  #openOf(table: Table): OpenBatch {
    switch (table) {
      case 'trade':
        return this.#trade;
      case 'quote':
        return this.#quote;
      case 'bar':
        return this.#bar;
      case 'gap':
        return this.#gap;
      case 'dead_letter':
        return this.#dead;
    }
  }

  #add<Row>(open: ListBatch<Row>, row: Row, bytes: number): void {
    const first = open.count === 0;
    if (first) this.#begin(open);
    this.#added(open, first, open.add(row, bytes));
  }

  #begin(open: OpenBatch): void {
    open.begin(this.#options.clock.now(), this.#options.origin?.());
  }

  #added(open: OpenBatch, first: boolean, full: boolean): void {
    if (full) this.#cut(open);
    else if (first) this.#arm();
  }

  #cut(open: OpenBatch): void {
    if (open.count > 0) this.#options.cut(open.take());
  }

  /** One timer for all tables, for the oldest open batch. */
  #arm(): void {
    if (this.#timer !== undefined) return;
    let oldest = Infinity;
    for (const open of this.#all) {
      if (open.count > 0) oldest = Math.min(oldest, open.openedAt);
    }
    if (oldest === Infinity) return;
    const ageMs = (this.#options.clock.now() - oldest) / 1000;
    const waitMs = Math.max(0, Math.ceil(this.#options.flushMs - ageMs));
    this.#timer = this.#options.clock.after(waitMs, () => this.flushAged());
  }
}
