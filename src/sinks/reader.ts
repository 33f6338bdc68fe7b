import type { Integer } from '../market/integer.ts';
import type { DeadLetter } from './sink.ts';

/**
 * The reading side of a database: the rows of the four views, to the digit, the same from SQLite
 * and PostgreSQL. A reader only reads, works while a pipeline writes, and never migrates.
 */
export interface Reader {
  /**
   * The rows that match, ordered by time, then id (bars: timeframe), then venue. With `limit` the
   * latest ones, still in ascending order. Ending the iteration early frees what it holds. Throws
   * `MdpError`.
   */
  rows(query: Query): AsyncIterable<Row>;
  /** Every instrument the database knows, by symbol and venue. */
  instruments(): Promise<readonly KnownInstrument[]>;
  /** What was refused and kept, by receive time. */
  deadLetters(): AsyncIterable<DeadLetter>;
  close(): Promise<void>;
}

export type View = 'trades' | 'quotes' | 'bars' | 'gaps';

export type KnownInstrument = { readonly venue: string; readonly symbol: string };

export type Query = {
  readonly kind: View;
  /** In the venue's own spelling. */
  readonly symbol: string;
  /** undefined: every venue that has the symbol. */
  readonly venue: string | undefined;
  /** Of bars, in seconds; undefined: all. */
  readonly timeframe: number | undefined;
  /** Integer microseconds, inclusive; a gap matches while it reaches into the range. */
  readonly from: number | undefined;
  /** Integer microseconds, exclusive. */
  readonly to: number | undefined;
  /** At most this many, the latest; undefined: all. */
  readonly limit: number | undefined;
};

/** A row of a view: its cells in the order of `columns[view]`. */
export type Row = readonly Cell[];

/** By the column's kind; null where the database has null. */
export type Cell = string | Integer | boolean | null;

/**
 * text, time (`2026-11-23T12:00:00.000000Z`), timeframe (`1m`), id and decimal (every digit) are
 * strings; a count is an `Integer`; a flag is a boolean.
 */
export type ColumnKind = 'text' | 'time' | 'timeframe' | 'id' | 'decimal' | 'count' | 'flag';

/** The columns of every view, in order: the part of the schema that users build on. */
export const columns: Readonly<Record<View, Readonly<Record<string, ColumnKind>>>> = {
  trades: {
    venue: 'text',
    symbol: 'text',
    ts: 'time',
    trade_id: 'id',
    price: 'decimal',
    size: 'decimal',
    side: 'text',
    receive_ts: 'time',
    late: 'flag',
    first_id: 'id',
    last_id: 'id',
    trade_ref: 'text',
  },
  quotes: {
    venue: 'text',
    symbol: 'text',
    ts: 'time',
    quote_id: 'id',
    bid: 'decimal',
    bid_size: 'decimal',
    ask: 'decimal',
    ask_size: 'decimal',
    receive_ts: 'time',
  },
  bars: {
    venue: 'text',
    symbol: 'text',
    timeframe: 'timeframe',
    ts: 'time',
    open: 'decimal',
    high: 'decimal',
    low: 'decimal',
    close: 'decimal',
    volume: 'decimal',
    quote_volume: 'decimal',
    buy_volume: 'decimal',
    vwap: 'decimal',
    trade_count: 'count',
    first_trade_id: 'id',
    last_trade_id: 'id',
    late_count: 'count',
    complete: 'flag',
    gap: 'flag',
    revision: 'count',
  },
  gaps: {
    venue: 'text',
    symbol: 'text',
    from_id: 'id',
    to_id: 'id',
    from_ts: 'time',
    to_ts: 'time',
    missing: 'count',
    reason: 'text',
    detected_at: 'time',
    filled_at: 'time',
  },
};
