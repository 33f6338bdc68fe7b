import type { Quote } from '../market/events.ts';
import type { Integer } from '../market/integer.ts';
import type { ReceiveTime } from '../market/time.ts';
import { loadConnection, saveConnection } from './coverage.ts';
import type { Connection, ConnectionJson, Feed } from './coverage.ts';
import { MICROS_PER_MS, NEVER } from './instants.ts';
import { loadInteger, loadOptional, saveInteger, saveOptional, type IntegerJson } from './json.ts';

/** For so long nothing but lower ids comes before they are believed to be a new numbering. */
export const RESET_AFTER_MS = 10_000;

/**
 * De-duplication of quotes by the venue's update id, which rises with every update of an
 * instrument: what is not above the last one is a copy from another connection. Unless the venue
 * has begun to number anew, which shows in one of three ways: the quote is later by the venue's
 * clock; or a new connection follows one that is gone, with an id less than half of the last; or
 * only lower ids have come for ten seconds. A twin that lags fits none of them, and if one ever
 * does, its quotes are stored twice rather than lost.
 *
 * Quotes without an id of the venue cannot be told apart: one connection at a time supplies them,
 * until it is gone or has been silent for ten seconds in which another one was not.
 */
export type QuoteIds = {
  last: Integer | undefined;
  /** Event time of the last quote, where the venue gives one. */
  lastTime: number;
  connection: Connection | undefined;
  /** Receive time of the first of the refused ones since the last accepted quote. */
  lowerSince: number;
};

export type QuoteIdsJson = {
  readonly last: IntegerJson | null;
  readonly lastTime: number;
  readonly connection: ConnectionJson | null;
  readonly lowerSince: number;
};

export function createQuoteIds(): QuoteIds {
  return { last: undefined, lastTime: NEVER, connection: undefined, lowerSince: NEVER };
}

/** Whether the quote is a copy; if not, it is remembered. */
export function isCopy(ids: QuoteIds, quote: Quote, connection: Connection): boolean {
  if (!quote.venueId) return isTwins(ids, quote, connection);
  const { last } = ids;
  if (last !== undefined && quote.id <= last && !isReset(ids, quote, last, connection)) {
    if (quote.id === last) ids.lowerSince = NEVER;
    else if (ids.lowerSince === NEVER) ids.lowerSince = quote.receiveTime;
    return true;
  }
  ids.last = quote.id;
  ids.lastTime = quote.eventTime ?? NEVER;
  ids.connection = connection;
  ids.lowerSince = NEVER;
  return false;
}

/** Whether another connection than this one supplies the quotes. */
function isTwins(ids: QuoteIds, quote: Quote, connection: Connection): boolean {
  const isOther = ids.connection !== connection && ids.connection?.live === true;
  if (isOther && ids.lowerSince === NEVER) ids.lowerSince = quote.receiveTime;
  if (isOther && !isLongSince(ids.lowerSince, quote.receiveTime)) return true;
  ids.connection = connection;
  ids.lowerSince = NEVER;
  return false;
}

function isReset(ids: QuoteIds, quote: Quote, last: Integer, connection: Connection): boolean {
  if (quote.eventTime !== undefined && ids.lastTime !== NEVER && quote.eventTime > ids.lastTime) {
    return true;
  }
  if (quote.id === last) return false;
  const succeeds = ids.connection !== connection && ids.connection?.live !== true;
  if (succeeds && BigInt(quote.id) * 2n < BigInt(last)) return true;
  return ids.lowerSince !== NEVER && isLongSince(ids.lowerSince, quote.receiveTime);
}

function isLongSince(since: number, now: ReceiveTime): boolean {
  return now - since >= RESET_AFTER_MS * MICROS_PER_MS;
}

export function saveQuoteIds(ids: QuoteIds): QuoteIdsJson {
  return {
    last: saveOptional(ids.last, saveInteger),
    lastTime: ids.lastTime,
    connection: saveConnection(ids.connection),
    lowerSince: ids.lowerSince,
  };
}

export function loadQuoteIds(json: QuoteIdsJson, feeds: ReadonlyMap<string, Feed>): QuoteIds {
  return {
    ...json,
    last: loadOptional(json.last, loadInteger),
    connection: loadConnection(json.connection, feeds),
  };
}
