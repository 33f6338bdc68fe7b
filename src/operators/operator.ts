import type { Bar } from '../market/bar.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import type { Instrument } from '../market/instrument.ts';
import type { StateRecord, TickRecord } from '../market/record.ts';
import type { ReceiveTime } from '../market/time.ts';
import type { VenueFacts } from '../venues/venue.ts';
import type { BarRules } from './bars.ts';
import type { FeedJson } from './coverage.ts';
import type { InstrumentJson } from './state.ts';

/**
 * Operators: market events in, rows out. Pure and synchronous: no clock but the receive times of
 * records, no I/O, no randomness; bounded state per instrument that can be saved and loaded between
 * any two records. The order is validate, dedupe, lateness (watermark), gaps, bars with their
 * roll-ups.
 */
export interface MarketOperators {
  /**
   * Every decoded trade and quote of a frame record, in wire order. `source` and `connection` are
   * the record's.
   */
  trade(trade: Trade, source: string, connection: number): void;
  quote(quote: Quote, source: string, connection: number): void;
  /** Every frame record, before its events: an arrival on its connection. */
  arrival(source: string, connection: number, receiveTime: ReceiveTime): void;
  tick(record: TickRecord): void;
  state(record: StateRecord): void;
  /**
   * End of input: emits partial bars (revision 0 unless closed before) and unresolved drops as
   * gaps. Call once.
   */
  drain(at: ReceiveTime): void;
  /**
   * Everything that decides later output, as plain JSON (integers beyond 2^53 as text); instruments
   * by venue and symbol.
   */
  save(): OperatorsState;
  /**
   * Continues where `save` was called. Under other timeframes those kept lose nothing; bars of new
   * ones are incomplete as far as they began before. Throws `input` for another version or damage.
   */
  load(state: OperatorsState): void;
  report(): OperatorsReport;
}

/** Versioned; readable by the same or a later version of this program. */
export type OperatorsState = {
  readonly version: number;
  /** The rules of bars under which it was saved: `load` finds out what they changed. */
  readonly rules: BarRules;
  readonly feeds: readonly FeedJson[];
  readonly instruments: readonly InstrumentJson[];
};

/** Reasons a decoded row is refused, closed. */
export type RejectedReason = (typeof rejectedReasons)[number];

export const rejectedReasons = [
  'size_not_positive',
  'price_not_positive',
  'ahead',
  'no_sides',
  'out_of_range',
  'mixed_series',
] as const;

export type OperatorsReport = {
  readonly instruments: number;
  /** Bars that are open or may still be revised. */
  readonly openBars: number;
  /** Estimated. */
  readonly stateBytes: number;
};

/** Where rows go. Called synchronously, in an order that is a function of the records alone. */
export interface OperatorsOutput {
  /** An accepted trade, marked late or not. */
  trade(trade: Trade): void;
  quote(quote: Quote): void;
  bar(bar: Bar): void;
  gap(gap: Gap): void;
  duplicate(row: Trade | Quote): void;
  rejected(row: Trade | Quote, reason: RejectedReason): void;
}

export type OperatorsSettings = {
  readonly validate: { readonly maxAgeMs: number; readonly maxAheadMs: number };
  readonly bars: {
    /** Seconds each, ascending, unique. */
    readonly timeframes: readonly number[];
    readonly allowedLatenessMs: number;
    readonly empty: 'none' | 'flat';
  };
  readonly epoch: number;
  readonly facts: (venue: string) => VenueFacts;
  /** Interns an instrument on load. */
  readonly instrument: (venue: string, symbol: string) => Instrument;
};
