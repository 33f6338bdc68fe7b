import type { Decimal } from './decimal.ts';
import type { Instrument } from './instrument.ts';
import type { Integer } from './integer.ts';
import type { EventTime } from './time.ts';

/**
 * An OHLCV bar over the half-open interval `[openTime, openTime + timeframe)`, aligned to the epoch
 * in UTC. A pure function of the trades in it. `tradeCount` 0 is a flat bar at the previous close
 * (first and last ids and vwap undefined).
 */
export type Bar = {
  readonly kind: 'bar';
  readonly instrument: Instrument;
  /** Length in seconds. */
  readonly timeframe: number;
  readonly openTime: EventTime;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  /** Sum of sizes. */
  readonly volume: Decimal;
  /** Sum of price times size. */
  readonly quoteVolume: Decimal;
  /** Sum of the sizes that takers bought. */
  readonly buyVolume: Decimal;
  /**
   * quoteVolume / volume, rounded half-even to the price's scale + 8, at most 18; undefined at
   * volume 0.
   */
  readonly vwap: Decimal | undefined;
  /** The venue's trades: an aggregate counts as many as it holds. */
  readonly tradeCount: number;
  readonly firstTradeId: Integer | undefined;
  readonly lastTradeId: Integer | undefined;
  /**
   * Trades of this interval that came too late to be in it, as far as was known when it became
   * final.
   */
  readonly lateCount: number;
  /** As far as is known, no trade of the interval is missing. */
  readonly complete: boolean;
  /** A known hole of ids or time lies in the interval. */
  readonly gap: boolean;
  /** 0 while partial (written at shutdown), 1 when first closed, more for every revision. */
  readonly revision: number;
  /** Rises only by `mdp replay --replace`. */
  readonly epoch: number;
};
