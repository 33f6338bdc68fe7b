import type { Decimal } from './decimal.ts';
import type { Instrument } from './instrument.ts';
import type { Integer } from './integer.ts';
import type { EventTime, ReceiveTime } from './time.ts';

/** The taker's side: `buy` took from the offer, `sell` hit the bid. */
export type Side = 'buy' | 'sell';

/**
 * Why a stored trade is in no bar: `late` came behind the watermark by more than the allowed
 * lateness; `stale` was older than `max_age_ms` at receipt; `unplaced` has an id older than
 * everything de-duplication still remembers.
 */
export type LateReason = 'late' | 'stale' | 'unplaced';

/**
 * One trade (or, with `firstId` and `lastId`, an aggregate of the venue's trades in that id range,
 * inclusive).
 */
export type Trade = {
  readonly kind: 'trade';
  readonly instrument: Instrument;
  readonly eventTime: EventTime;
  readonly receiveTime: ReceiveTime;
  /**
   * The venue's id; for text ids a stable 63-bit hash; for venues without ids one derived from the
   * position.
   */
  readonly id: Integer;
  /** The venue's id as text, where it is not an integer. */
  readonly ref: string | undefined;
  readonly price: Decimal;
  readonly size: Decimal;
  readonly side: Side | undefined;
  readonly firstId: Integer | undefined;
  readonly lastId: Integer | undefined;
  readonly late: LateReason | undefined;
};

/** Best bid and offer. A side the venue did not give, or gave as zero, is undefined; never both. */
export type Quote = {
  readonly kind: 'quote';
  readonly instrument: Instrument;
  /** undefined where the venue gives no time; the row then stands under its receive time. */
  readonly eventTime: EventTime | undefined;
  readonly receiveTime: ReceiveTime;
  /** The venue's update id, else derived from the position. */
  readonly id: Integer;
  /** Whether `id` is the venue's own: only then can two copies be told to be the same quote. */
  readonly venueId: boolean;
  readonly bid: Decimal | undefined;
  readonly bidSize: Decimal | undefined;
  readonly ask: Decimal | undefined;
  readonly askSize: Decimal | undefined;
};
