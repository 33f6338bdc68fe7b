import type { Trade } from '../market/events.ts';
import type { VenueFacts } from '../venues/venue.ts';
import { IntervalSet, type IntervalSetJson } from './interval-set.ts';
import { RecentIds } from './recent-ids.ts';
import { loadOptional, saveOptional, type IntegerJson } from './json.ts';
import { NEVER } from './instants.ts';

/**
 * De-duplication by trade id, per instrument, never by content: two trades may be alike in
 * everything else.
 *
 * Ids rise with time, so a copy's event time was seen before. An id that is not above all others,
 * but belongs to a trade later than every trade so far, is therefore no copy: the venue began to
 * number anew. From there on the event time tells which of the two series a trade belongs to.
 */
export type TradeIds = {
  readonly order: VenueFacts['tradeIds'];
  seen: IntervalSet;
  /** The series before the last reset, for trades up to `resetAt`. */
  former: IntervalSet | undefined;
  resetAt: number;
  /** Greatest event time among all trades that were let through, stale ones included. */
  latest: number;
  recent: RecentIds;
};

/**
 * new: not seen before. former: new too, but of the series before the last reset. reset: the first
 * of a new series. unplaced: de-duplication has forgotten so low an id; the key in the database
 * decides.
 */
export type Placing = 'new' | 'former' | 'reset' | 'duplicate' | 'unplaced';

export type TradeIdsJson = {
  readonly seen: IntervalSetJson;
  readonly former: IntervalSetJson | null;
  readonly resetAt: number;
  readonly latest: number;
  readonly recent: readonly IntegerJson[];
};

export function createTradeIds(order: VenueFacts['tradeIds']): TradeIds {
  return {
    order,
    seen: new IntervalSet(),
    former: undefined,
    resetAt: NEVER,
    latest: NEVER,
    recent: new RecentIds(),
  };
}

/** Whether ids say which of two trades of one time came first. */
export function idsIncrease(order: VenueFacts['tradeIds']): boolean {
  return order === 'contiguous' || order === 'increasing';
}

/**
 * Places a trade among those seen, and remembers it. `awaited`: a known hole has room for its id.
 */
export function place(ids: TradeIds, trade: Trade, awaited: boolean): Placing {
  const placing = idsIncrease(ids.order) ? placeInOrder(ids, trade, awaited) : placeAny(ids, trade);
  if (placing !== 'duplicate' && trade.eventTime > ids.latest) ids.latest = trade.eventTime;
  return placing;
}

function placeAny(ids: TradeIds, trade: Trade): Placing {
  if (ids.order === 'none') return 'new';
  return ids.recent.add(trade.id) ? 'new' : 'duplicate';
}

function placeInOrder(ids: TradeIds, trade: Trade, awaited: boolean): Placing {
  if (ids.former !== undefined && trade.eventTime <= ids.resetAt) {
    return placed(ids.former.add(trade.id), 'former');
  }
  const highest = ids.seen.highest;
  if (highest !== undefined && trade.id <= highest && trade.eventTime > ids.latest && !awaited) {
    ids.former = ids.seen;
    ids.resetAt = ids.latest;
    ids.seen = new IntervalSet();
    ids.seen.add(trade.id);
    return 'reset';
  }
  return placed(ids.seen.add(trade.id), 'new');
}

function placed(outcome: 'new' | 'seen' | 'forgotten', fresh: 'new' | 'former'): Placing {
  if (outcome === 'new') return fresh;
  return outcome === 'seen' ? 'duplicate' : 'unplaced';
}

export function saveTradeIds(ids: TradeIds): TradeIdsJson {
  return {
    seen: ids.seen.toJson(),
    former: saveOptional(ids.former, (former) => former.toJson()),
    resetAt: ids.resetAt,
    latest: ids.latest,
    recent: ids.recent.toJson(),
  };
}

export function loadTradeIds(order: VenueFacts['tradeIds'], json: TradeIdsJson): TradeIds {
  return {
    order,
    seen: IntervalSet.fromJson(json.seen),
    former: loadOptional(json.former, (former) => IntervalSet.fromJson(former)),
    resetAt: json.resetAt,
    latest: json.latest,
    recent: RecentIds.fromJson(json.recent),
  };
}
