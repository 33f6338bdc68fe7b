/**
 * What tracing is given: a finished tree of spans, as plain data. Names and attribute keys are a
 * closed set of the caller's; values are names, codes and counts, never rows, frames, addresses or
 * secrets.
 */
export type Span = {
  readonly name: string;
  /** Our clock, µs; `to` is never before `from`, and a child lies within its parent. */
  readonly from: number;
  readonly to: number;
  readonly attributes: SpanAttributes;
  /** A call to another system. */
  readonly isCall?: boolean;
  /** The code of what went wrong; undefined = nothing did. */
  readonly failure?: string | undefined;
  readonly children: readonly Span[];
};

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Takes trees and returns at once: what it cannot keep or deliver, it drops and counts. */
export interface Tracer {
  trace(root: Span): void;
}

/** What became of spans; traces that no sampler kept are in none of them. */
export type SpanCounts = {
  exported: number;
  /** Dropped: too many waited. */
  queueFull: number;
  /** Dropped: the collector refused them, or did not answer in time. */
  undelivered: number;
};

/** A tracer that delivers. */
export interface DeliveringTracer extends Tracer {
  readonly counts: Readonly<SpanCounts>;
  /** Delivers what waits, within a short time, and ends. */
  close(): Promise<void>;
}
