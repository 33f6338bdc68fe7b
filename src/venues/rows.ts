/**
 * From the raw fields of a venue's message to a Trade or a Quote, or to the reason why this row
 * cannot be taken. The order of the checks decides which reason a row with several faults gets:
 * what is missing comes first.
 */
import { parseDecimal, signOf, type Decimal } from '../market/decimal.ts';
import type { Quote, Side, Trade } from '../market/events.ts';
import type { Instrument } from '../market/instrument.ts';
import { compareInteger, parseInteger, type Integer } from '../market/integer.ts';
import { eventTime } from '../market/time.ts';
import type { DecodeContext, Emit, RejectReason } from './venue.ts';

/** Longer names than any venue has; what is longer is damage. */
const maxSymbolLength = 64;

/** The fields as they stood in the message: numbers and texts, or nothing. */
export type RawTrade = {
  readonly symbol: unknown;
  readonly id: unknown;
  readonly price: unknown;
  readonly size: unknown;
  readonly time: unknown;
  readonly side: unknown;
};

/** How a venue writes what a trade has. Both give undefined for what cannot be read. */
export type TradeDialect = {
  readonly micros: (time: unknown) => number | undefined;
  /** The taker's side. */
  readonly taker: (side: unknown) => Side | undefined;
};

/** `id` is undefined at a venue whose quotes have none, `time` where the venue says none. */
export type RawQuote = {
  readonly symbol: unknown;
  readonly id: unknown;
  readonly time: unknown;
  readonly bid: unknown;
  readonly bidSize: unknown;
  readonly ask: unknown;
  readonly askSize: unknown;
};

export type QuoteDialect = {
  readonly micros: (time: unknown) => number | undefined;
  readonly ids: boolean;
};

type IdRange = { readonly firstId: Integer | undefined; readonly lastId: Integer | undefined };

const noRange: IdRange = { firstId: undefined, lastId: undefined };

/** One trade to `emit`, or its rejection. */
export function takeTrade(
  raw: RawTrade,
  dialect: TradeDialect,
  context: DecodeContext,
  emit: Emit,
): void {
  giveTrade(readTrade(raw, noRange, dialect, context), emit);
}

/** One aggregate of the trades `first` to `last`, inclusive, or its rejection. */
export function takeAggregate(
  raw: RawTrade,
  first: unknown,
  last: unknown,
  dialect: TradeDialect,
  context: DecodeContext,
  emit: Emit,
): void {
  const range = readRange(first, last);
  giveTrade(typeof range === 'string' ? range : readTrade(raw, range, dialect, context), emit);
}

/** One quote to `emit`, or its rejection. A quote with no side at all is `missing_field`. */
export function takeQuote(
  raw: RawQuote,
  dialect: QuoteDialect,
  context: DecodeContext,
  emit: Emit,
): void {
  const quote = readQuote(raw, dialect, context);
  if (typeof quote === 'string') emit.reject('quote', quote);
  else emit.quote(quote);
}

function giveTrade(trade: Trade | RejectReason, emit: Emit): void {
  if (typeof trade === 'string') emit.reject('trade', trade);
  else emit.trade(trade);
}

function readTrade(
  raw: RawTrade,
  range: IdRange,
  dialect: TradeDialect,
  context: DecodeContext,
): Trade | RejectReason {
  if (lacksTradeField(raw)) return 'missing_field';
  if (!isSymbol(raw.symbol)) return 'bad_symbol';
  const id = readInteger(raw.id);
  if (id === undefined) return 'bad_id';
  const price = readDecimal(raw.price);
  const size = readDecimal(raw.size);
  if (price === undefined || size === undefined) return 'bad_number';
  const micros = dialect.micros(raw.time);
  if (micros === undefined) return 'bad_time';
  const side = dialect.taker(raw.side);
  if (side === undefined) return 'bad_side';
  const instrument = context.instrument(raw.symbol);
  const { firstId, lastId } = range;
  return tradeOf(instrument, micros, context, id, price, size, side, firstId, lastId);
}

/** A Trade as every venue with integer ids has it: all of one hidden class. */
export function tradeOf(
  instrument: Instrument,
  micros: number,
  context: DecodeContext,
  id: Integer,
  price: Decimal,
  size: Decimal,
  side: Side,
  firstId: Integer | undefined,
  lastId: Integer | undefined,
): Trade {
  return {
    kind: 'trade',
    instrument,
    eventTime: eventTime(micros),
    receiveTime: context.receiveTime,
    id,
    ref: undefined,
    price,
    size,
    side,
    firstId,
    lastId,
    late: undefined,
  };
}

function lacksTradeField(raw: RawTrade): boolean {
  return (
    isMissing(raw.symbol) ||
    isMissing(raw.id) ||
    isMissing(raw.price) ||
    isMissing(raw.size) ||
    isMissing(raw.time) ||
    isMissing(raw.side)
  );
}

function readRange(first: unknown, last: unknown): IdRange | RejectReason {
  if (isMissing(first) || isMissing(last)) return 'missing_field';
  const firstId = readInteger(first);
  const lastId = readInteger(last);
  if (firstId === undefined || lastId === undefined) return 'bad_id';
  return compareInteger(firstId, lastId) > 0 ? 'bad_id' : { firstId, lastId };
}

function readQuote(
  raw: RawQuote,
  dialect: QuoteDialect,
  context: DecodeContext,
): Quote | RejectReason {
  if (isMissing(raw.symbol) || (dialect.ids && isMissing(raw.id))) return 'missing_field';
  if (!isSymbol(raw.symbol)) return 'bad_symbol';
  const bid = readLevel(raw.bid, raw.bidSize);
  const ask = readLevel(raw.ask, raw.askSize);
  if (bid === undefined || ask === undefined) return 'bad_number';
  if (bid.price === undefined && ask.price === undefined) return 'missing_field';
  const micros = isMissing(raw.time) ? undefined : dialect.micros(raw.time);
  if (micros === undefined && !isMissing(raw.time)) return 'bad_time';
  const id = dialect.ids ? readInteger(raw.id) : context.position();
  if (id === undefined) return 'bad_id';
  const instrument = context.instrument(raw.symbol);
  return quoteOf(instrument, micros, context, id, dialect.ids, bid, ask);
}

/** A Quote: all of one hidden class. */
export function quoteOf(
  instrument: Instrument,
  micros: number | undefined,
  context: DecodeContext,
  id: Integer,
  venueId: boolean,
  bid: Level,
  ask: Level,
): Quote {
  return {
    kind: 'quote',
    instrument,
    eventTime: micros === undefined ? undefined : eventTime(micros),
    receiveTime: context.receiveTime,
    id,
    venueId,
    bid: bid.price,
    bidSize: bid.size,
    ask: ask.price,
    askSize: ask.size,
  };
}

/** One side of the book. */
export type Level = { readonly price: Decimal | undefined; readonly size: Decimal | undefined };

const noLevel: Level = { price: undefined, size: undefined };

/**
 * One side of the book. A price or a size of zero says that there is none; undefined is a number we
 * cannot read.
 */
function readLevel(rawPrice: unknown, rawSize: unknown): Level | undefined {
  if (isMissing(rawPrice)) return noLevel;
  const price = readDecimal(rawPrice);
  const size = isMissing(rawSize) ? undefined : readDecimal(rawSize);
  if (price === undefined || (size === undefined && !isMissing(rawSize))) return undefined;
  if (signOf(price) === 0 || (size !== undefined && signOf(size) === 0)) return noLevel;
  return { price, size };
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** Decimals are taken from text only: a JavaScript number may already have lost digits. */
function readDecimal(value: unknown): Decimal | undefined {
  return typeof value === 'string' ? parseDecimal(value) : undefined;
}

/** An integer, as a number or as text, with every digit. */
export function readInteger(value: unknown): Integer | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === 'string' ? parseInteger(value) : undefined;
}

/**
 * 1 to 64 characters, none of them a space, a control character or half of one. Names beyond ASCII
 * exist.
 */
export function isSymbol(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > maxSymbolLength) return false;
  let isAscii = true;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit <= 0x20 || (unit >= 0x7f && unit <= 0xa0)) return false;
    if (unit > 0x7f) isAscii = false;
  }
  return isAscii || value.isWellFormed();
}
