import type { Bar } from '../market/bar.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Batch, DeadLetter, Table } from '../sinks/sink.ts';
import type { BatchOrigin, BatchTrace } from './batch-trace.ts';

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
  readonly maxBytes: number;
  readonly flushMs: number;
  readonly clock: Clock;
  /**
   * Whether a sink worker is waiting for work. While none is, a batch whose age is reached goes on
   * filling.
   */
  readonly idle: () => boolean;
  readonly onRow: (bytes: number) => void;
  readonly cut: (opened: OpenedBatch) => void;
  /** The record at hand; undefined where nobody traces. */
  readonly origin?: (() => BatchOrigin) | undefined;
};

/**
 * What a row costs while it waits: estimates of heap, checked against measurements in the
 * benchmark.
 */
const ROW_BYTES: Readonly<Record<Table, number>> = {
  trade: 256,
  quote: 288,
  bar: 640,
  gap: 192,
  dead_letter: 192,
};

/**
 * Gathers rows of one table each and cuts a batch at `maxRows`, `maxBytes` or, while a worker is
 * idle, at the age of `flushMs`. Every row added comes out in exactly one batch, in order.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #trade = new OpenBatch<Trade>('trade', (rows, bytes) => ({
    table: 'trade',
    rows,
    bytes,
  }));
  readonly #quote = new OpenBatch<Quote>('quote', (rows, bytes) => ({
    table: 'quote',
    rows,
    bytes,
  }));
  readonly #bar = new OpenBatch<Bar>('bar', (rows, bytes) => ({ table: 'bar', rows, bytes }));
  readonly #gap = new OpenBatch<Gap>('gap', (rows, bytes) => ({ table: 'gap', rows, bytes }));
  readonly #dead = new OpenBatch<DeadLetter>('dead_letter', (rows, bytes) => ({
    table: 'dead_letter',
    rows,
    bytes,
  }));
  readonly #all: readonly Open[];
  #timer: Timer | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#all = [this.#gap, this.#trade, this.#quote, this.#bar, this.#dead];
  }

  trade(row: Trade): void {
    this.#add(this.#trade, row, ROW_BYTES.trade);
  }

  quote(row: Quote): void {
    this.#add(this.#quote, row, ROW_BYTES.quote);
  }

  bar(row: Bar): void {
    this.#add(this.#bar, row, ROW_BYTES.bar);
  }

  gap(row: Gap): void {
    this.#add(this.#gap, row, ROW_BYTES.gap);
  }

  deadLetter(row: DeadLetter): void {
    this.#add(this.#dead, row, ROW_BYTES.dead_letter + row.payload.byteLength);
  }

  /** Rows in open batches of a table. */
  open(table: Table): number {
    return this.#all.find((open) => open.table === table)?.count ?? 0;
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

  #add<Row>(open: OpenBatch<Row>, row: Row, bytes: number): void {
    const first = open.count === 0;
    if (first) open.begin(this.#options.clock.now(), this.#options.origin?.());
    open.add(row, bytes);
    this.#options.onRow(bytes);
    if (open.count >= this.#options.maxRows || open.bytes >= this.#options.maxBytes) {
      this.#cut(open);
    } else if (first) this.#arm();
  }

  #cut(open: Open): void {
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

/** An open batch, whatever its rows. */
interface Open {
  readonly table: Table;
  readonly count: number;
  readonly openedAt: number;
  take(): OpenedBatch;
}

class OpenBatch<Row> implements Open {
  readonly table: Table;
  readonly #make: (rows: readonly Row[], bytes: number) => Batch;
  #rows: Row[] = [];
  bytes = 0;
  openedAt = 0;
  #origin: BatchOrigin | undefined;

  constructor(table: Table, make: (rows: readonly Row[], bytes: number) => Batch) {
    this.table = table;
    this.#make = make;
  }

  get count(): number {
    return this.#rows.length;
  }

  begin(at: number, origin: BatchOrigin | undefined): void {
    this.openedAt = at;
    this.#origin = origin;
  }

  add(row: Row, bytes: number): void {
    this.#rows.push(row);
    this.bytes += bytes;
  }

  take(): OpenedBatch {
    const opened = {
      batch: this.#make(this.#rows, this.bytes),
      openedAt: this.openedAt,
      origin: this.#origin,
    };
    this.#rows = [];
    this.bytes = 0;
    return opened;
  }
}
