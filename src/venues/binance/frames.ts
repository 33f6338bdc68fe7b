/** What Binance's frames mean and hold. Formats: the documentation named in `binance.ts`. */
import type { Side } from '../../market/events.ts';
import { microsFromMicros, microsFromMillis } from '../../market/time.ts';
import {
  isObject,
  losesDigits,
  parseObject,
  parseObjectExactly,
  type JsonObject,
} from '../json.ts';
import {
  readInteger,
  takeAggregate,
  takeQuote,
  takeTrade,
  type QuoteDialect,
  type TradeDialect,
} from '../rows.ts';
import { dataOf } from '../venue.ts';
import type {
  Channel,
  Classified,
  DecodeContext,
  DecodeOutcome,
  Emit,
  UndecodableReason,
} from '../venue.ts';

/** Documented event types that we do not take. */
const untaken: ReadonlySet<unknown> = new Set([
  '24hrMiniTicker',
  '24hrTicker',
  '1hTicker',
  '4hTicker',
  '1dTicker',
  'avgPrice',
  'blockTrade',
  'depthUpdate',
  'kline',
  'referencePrice',
  'serverShutdown',
]);

const streamHead = '{"stream":"';
const eventHead = '{"e":"';
const quoteHead = '{"u":';

const atSign = 0x40;
const quoteMark = 0x22;

/**
 * Milliseconds have 13 digits until 2286, microseconds 16 since 2001; `timeUnit` in the address
 * decides which come.
 */
const firstMicros = 1e14;

const maxReasonLength = 200;

const tradeDialect: TradeDialect = { micros, taker };
const quoteDialect: QuoteDialect = { micros, ids: true };

type Message = { readonly type: 'trade' | 'aggTrade' | 'bookTicker'; readonly row: JsonObject };

export function classify(frame: string): Classified {
  const known = knownChannel(frame);
  if (known !== undefined) return dataOf[known];
  const object = parseObject(frame);
  if (typeof object === 'string') return { kind: 'unknown' };
  const message = messageIn(object);
  if (typeof message !== 'string') return dataOf[channelOf(message.type)];
  if (message !== 'control') return { kind: 'unknown' };
  return answerIn(object) ?? { kind: 'control' };
}

function channelOf(type: Message['type']): Channel {
  return type === 'bookTicker' ? 'quotes' : 'trades';
}

/**
 * The channel of a frame of a stream that we take, as far as its first bytes tell; that is all a
 * connection needs to know. `{"stream":"btcusdt@trade"`, `{"e":"trade"`, `{"u":`.
 */
function knownChannel(frame: string): Channel | undefined {
  if (frame.startsWith(streamHead)) return channelAt(frame, behindName(frame));
  if (frame.startsWith(eventHead)) return channelAt(frame, eventHead.length);
  return frame.startsWith(quoteHead) ? 'quotes' : undefined;
}

/** Behind the first `@` of a stream's name, which is not its first character; else the end. */
function behindName(frame: string): number {
  for (let at = streamHead.length; at < frame.length; at++) {
    const unit = frame.charCodeAt(at);
    if (unit === atSign && at > streamHead.length) return at + 1;
    if (unit === atSign || unit === quoteMark) break;
  }
  return frame.length;
}

function channelAt(frame: string, at: number): Channel | undefined {
  if (frame.startsWith('trade"', at) || frame.startsWith('aggTrade"', at)) return 'trades';
  return frame.startsWith('bookTicker"', at) ? 'quotes' : undefined;
}

export function decode(frame: string, context: DecodeContext, emit: Emit): DecodeOutcome {
  let message = messageIn(parseObject(frame));
  if (typeof message !== 'string' && hasLongInteger(message.row)) {
    message = messageIn(parseObjectExactly(frame));
  }
  if (typeof message === 'string') return message;
  take(message, context, emit);
  return 'data';
}

/**
 * `{"result":null,"id":1}`, `{"code":2,"msg":"…","id":1}` or
 * `{"error":{"code":2,"msg":"…"},"id":1}`.
 */
function answerIn(object: JsonObject): Classified | undefined {
  const id = typeof object.id === 'string' || typeof object.id === 'number' ? `${object.id}` : '';
  if (object.result === null) return { kind: 'ack', id, symbols: [], reason: '' };
  const error = isObject(object.error) ? object.error : object;
  if (typeof error.code !== 'number' || typeof error.msg !== 'string') return undefined;
  const reason = `${error.code} ${error.msg}`.slice(0, maxReasonLength);
  return { kind: 'refused', id, symbols: [], reason };
}

/** The message we take, in its combined or raw form; else what the frame is instead. */
function messageIn(
  object: JsonObject | UndecodableReason,
): Message | 'control' | UndecodableReason {
  if (typeof object === 'string') return object;
  if (typeof object.stream !== 'string') return messageOf(object, '');
  if (isObject(object.data)) return messageOf(object.data, object.stream);
  if (!Array.isArray(object.data)) return 'malformed';
  const first: unknown = object.data[0];
  return isObject(first) && untaken.has(first.e) ? 'control' : 'unknown_type';
}

function messageOf(row: JsonObject, stream: string): Message | 'control' | 'unknown_type' {
  const type = row.e;
  if (type === 'trade' || type === 'aggTrade' || type === 'bookTicker') return { type, row };
  if (type !== undefined) return untaken.has(type) ? 'control' : 'unknown_type';
  // Best bid and offer, and books of limited depth, have no event type.
  if (stream.endsWith('@bookTicker') || row.u !== undefined) return { type: 'bookTicker', row };
  return row.lastUpdateId !== undefined || answerIn(row) !== undefined || 'result' in row
    ? 'control'
    : 'unknown_type';
}

function hasLongInteger({ t, a, f, l, u }: JsonObject): boolean {
  return losesDigits(t) || losesDigits(a) || losesDigits(f) || losesDigits(l) || losesDigits(u);
}

function take({ type, row }: Message, context: DecodeContext, emit: Emit): void {
  if (type === 'bookTicker') {
    const { s: symbol, u: id, b: bid, B: bidSize, a: ask, A: askSize } = row;
    const raw = { symbol, id, time: undefined, bid, bidSize, ask, askSize };
    takeQuote(raw, quoteDialect, context, emit);
    return;
  }
  const { s: symbol, p: price, q: size, T: time, m: side } = row;
  if (type === 'trade') {
    takeTrade({ symbol, id: row.t, price, size, time, side }, tradeDialect, context, emit);
  } else {
    const raw = { symbol, id: row.a, price, size, time, side };
    takeAggregate(raw, row.f, row.l, tradeDialect, context, emit);
  }
}

function micros(time: unknown): number | undefined {
  const value = readInteger(time);
  return typeof value === 'number' ? microsOf(value) : undefined;
}

/** Of a time in milliseconds or in microseconds. */
export function microsOf(value: number): number | undefined {
  return value < firstMicros ? microsFromMillis(value) : microsFromMicros(value);
}

/** `m`: whether the buyer was the maker; then the taker sold. */
function taker(buyerIsMaker: unknown): Side | undefined {
  if (buyerIsMaker === true) return 'sell';
  return buyerIsMaker === false ? 'buy' : undefined;
}
