import type { Instrument } from './instrument.ts';
import type { Integer } from './integer.ts';
import type { EventTime, ReceiveTime } from './time.ts';

/**
 * What made the hole: between two connections; inside one; a drop policy; the process was not
 * running.
 */
export type GapReason = 'reconnect' | 'skipped' | 'dropped' | 'down';

/**
 * A known hole in an instrument's trades. The key is (instrument, fromTime, fromId); a later copy
 * with the same key carries a smaller `missing` or a `filledAt`.
 */
export type Gap = {
  readonly kind: 'gap';
  readonly instrument: Instrument;
  /** First and last missing id, inclusive; both 0 where the hole is one of time only. */
  readonly fromId: Integer;
  readonly toId: Integer;
  /** Event time of the last trade before the hole and of the first one behind it. */
  readonly fromTime: EventTime;
  readonly toTime: EventTime;
  /**
   * Trades still missing; undefined where the venue's ids cannot tell; 0 for a hole that holds
   * quotes only.
   */
  readonly missing: Integer | undefined;
  readonly reason: GapReason;
  readonly detectedAt: ReceiveTime;
  readonly filledAt: ReceiveTime | undefined;
};
