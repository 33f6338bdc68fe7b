import type { Quote, Trade } from '../market/events.ts';
import type { Integer } from '../market/integer.ts';
import { signOf } from '../market/decimal.ts';
import { MICROS_PER_MS } from './instants.ts';
import type { RejectedReason } from './operator.ts';

/**
 * No row may claim to be later than this past its receipt, whatever is configured: it would have no
 * place to go.
 */
const MAX_AHEAD_MS = 86_400_000;

/** Ids are stored in 64 bits with a sign. */
const leastId = -(2n ** 63n);
const mostId = 2n ** 63n - 1n;

/** Limits in ms; 0 = none. */
export type Limits = { readonly maxAgeMs: number; readonly maxAheadMs: number };

/** Which of the two series of ids an instrument holds: the venue numbers aggregates apart. */
export type TradeSeries = 'trades' | 'aggregates';

/** Why a trade cannot be taken; undefined for a sound one. */
export function refuseTrade(trade: Trade, limits: Limits): RejectedReason | undefined {
  if (signOf(trade.size) <= 0) return 'size_not_positive';
  if (signOf(trade.price) <= 0) return 'price_not_positive';
  if (!isStorableId(trade.id) || !isSoundRange(trade)) return 'out_of_range';
  return refuseTime(trade.eventTime, trade.receiveTime, limits);
}

/** Why a quote cannot be taken; undefined for a sound one. Crossed and locked markets are sound. */
export function refuseQuote(quote: Quote, limits: Limits): RejectedReason | undefined {
  if (quote.bid === undefined && quote.ask === undefined) return 'no_sides';
  if (!isStorableId(quote.id)) return 'out_of_range';
  if (quote.eventTime === undefined) return undefined;
  return refuseTime(quote.eventTime, quote.receiveTime, limits);
}

/** Older than the limit when it was received. */
export function isStale(trade: Trade, limits: Limits): boolean {
  return (
    limits.maxAgeMs > 0 && trade.eventTime < trade.receiveTime - limits.maxAgeMs * MICROS_PER_MS
  );
}

export function seriesOf(trade: Trade): TradeSeries {
  return trade.firstId === undefined ? 'trades' : 'aggregates';
}

function refuseTime(event: number, receive: number, limits: Limits): RejectedReason | undefined {
  const ahead = event - receive;
  if (limits.maxAheadMs > 0 && ahead > limits.maxAheadMs * MICROS_PER_MS) return 'ahead';
  return event < 0 || ahead > MAX_AHEAD_MS * MICROS_PER_MS ? 'out_of_range' : undefined;
}

function isStorableId(id: Integer): boolean {
  return typeof id === 'number' || (id >= leastId && id <= mostId);
}

/** An aggregate names both ends of its range, or neither. */
function isSoundRange({ firstId, lastId }: Trade): boolean {
  if (firstId === undefined || lastId === undefined) return firstId === lastId;
  return firstId <= lastId && isStorableId(firstId) && isStorableId(lastId);
}
