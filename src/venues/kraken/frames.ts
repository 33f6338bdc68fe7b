/**
 * What Kraken's frames mean and hold. Formats: the documentation named in `kraken.ts`. Prices and
 * sizes are JSON numbers here, so everything is read from the digits in the frame
 * (`parseObjectExactly`), never from a float.
 */
import type { Side } from '../../market/events.ts';
import { microsFromIso } from '../../market/time.ts';
import { isObject, parseObjectExactly, type JsonObject } from '../json.ts';
import { isSymbol, takeQuote, takeTrade, type QuoteDialect, type TradeDialect } from '../rows.ts';
import { dataOf } from '../venue.ts';
import type {
  Classified,
  DecodeContext,
  DecodeOutcome,
  Emit,
  UndecodableReason,
} from '../venue.ts';

/** Documented channels that we do not take. */
const untaken: ReadonlySet<unknown> = new Set([
  'balances',
  'book',
  'executions',
  'heartbeat',
  'instrument',
  'level3',
  'ohlc',
  'status',
]);

/** Frames of the channels that we take, as far as their first bytes tell. */
const tradeHead = '{"channel":"trade"';
const tickerHead = '{"channel":"ticker"';

/** The feed's own sign of life, once a second when nothing else is sent. */
const heartbeat = '{"channel":"heartbeat"}';

/** What the ticker of a book says that never had anything in it. */
const noTime = '1970-01-01T00:00:00.000000Z';

const maxReasonLength = 200;

const tradeDialect: TradeDialect = { micros, taker };
const quoteDialect: QuoteDialect = { micros, ids: false };

export function classify(frame: string): Classified {
  if (frame.startsWith(tradeHead)) return dataOf.trades;
  if (frame.startsWith(tickerHead)) return dataOf.quotes;
  if (frame === heartbeat) return { kind: 'heartbeat' };
  const object = parseObjectExactly(frame);
  if (typeof object === 'string') return { kind: 'unknown' };
  if (isAnswer(object)) return answer(object);
  if (object.channel === 'trade') return dataOf.trades;
  if (object.channel === 'ticker') return dataOf.quotes;
  if (object.channel === 'heartbeat') return { kind: 'heartbeat' };
  return { kind: untaken.has(object.channel) ? 'control' : 'unknown' };
}

export function decode(frame: string, context: DecodeContext, emit: Emit): DecodeOutcome {
  if (frame === heartbeat) return 'control';
  const message = parseObjectExactly(frame);
  if (typeof message === 'string') return message;
  if (isAnswer(message)) return 'control';
  switch (message.channel) {
    case 'trade':
      return each(message.data, (row) => takeKrakenTrade(row, context, emit));
    case 'ticker':
      return each(message.data, (row) => takeTicker(row, context, emit));
    default:
      return untaken.has(message.channel) ? 'control' : 'unknown_type';
  }
}

/** Every row of `data`, or `malformed` before any is taken. */
function each(data: unknown, takeRow: (row: JsonObject) => void): 'data' | UndecodableReason {
  if (!Array.isArray(data) || !data.every(isObject)) return 'malformed';
  data.forEach(takeRow);
  return 'data';
}

function takeKrakenTrade(row: JsonObject, context: DecodeContext, emit: Emit): void {
  const { symbol, trade_id: id, price, qty: size, timestamp: time, side } = row;
  takeTrade({ symbol, id, price, size, time, side }, tradeDialect, context, emit);
}

/** Quotes have no id. `timestamp` is documented since 2025; older frames have none. */
function takeTicker(row: JsonObject, context: DecodeContext, emit: Emit): void {
  const { symbol, bid, bid_qty: bidSize, ask, ask_qty: askSize, timestamp } = row;
  const time = timestamp === noTime ? undefined : timestamp;
  const raw = { symbol, id: undefined, time, bid, bidSize, ask, askSize };
  takeQuote(raw, quoteDialect, context, emit);
}

function isAnswer(object: JsonObject): boolean {
  return typeof object.method === 'string';
}

/**
 * `{"method":"subscribe","success":true,"result":{"channel":…,"symbol":"BTC/USD"},"req_id":1}`, or
 * with `"success":false`, `"error"` and `"symbol"` beside it. Answers to other methods (`pong`,
 * `unsubscribe`) concern nobody.
 */
function answer(object: JsonObject): Classified {
  if (object.method !== 'subscribe') return { kind: 'control' };
  const id = typeof object.req_id === 'string' ? object.req_id : '';
  const named = isObject(object.result) ? object.result.symbol : object.symbol;
  const symbols = isSymbol(named) ? [named] : [];
  if (object.success === true) return { kind: 'ack', id, symbols, reason: '' };
  const reason = typeof object.error === 'string' ? object.error.slice(0, maxReasonLength) : '';
  return { kind: 'refused', id, symbols, reason };
}

function micros(time: unknown): number | undefined {
  return typeof time === 'string' ? microsFromIso(time) : undefined;
}

/** "The side of the taker order." */
function taker(side: unknown): Side | undefined {
  return side === 'buy' || side === 'sell' ? side : undefined;
}
