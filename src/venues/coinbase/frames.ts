/**
 * What Coinbase Exchange's frames mean and hold. Formats: the documentation named in `coinbase.ts`.
 */
import type { Side } from '../../market/events.ts';
import { microsFromIso } from '../../market/time.ts';
import {
  isObject,
  losesDigits,
  parseObject,
  parseObjectExactly,
  type JsonObject,
} from '../json.ts';
import { isSymbol, readInteger, takeQuote, takeTrade } from '../rows.ts';
import type { QuoteDialect, TradeDialect } from '../rows.ts';
import { dataOf } from '../venue.ts';
import type { Channel, Classified, DecodeContext, DecodeOutcome, Emit } from '../venue.ts';

/** Documented message types that we do not take. */
const untaken: ReadonlySet<unknown> = new Set([
  'activate',
  'auctionfeed',
  'change',
  'done',
  'error',
  'heartbeat',
  'l2update',
  'level3',
  'open',
  'received',
  'rfq_match',
  'snapshot',
  'status',
  'subscriptions',
]);

/** Frames of the channels that we take, as far as their first bytes tell. */
const matchHead = '{"type":"match"';
const lastMatchHead = '{"type":"last_match"';
const tickerHead = '{"type":"ticker"';

/** The trade that such a frame holds or follows, found without reading all of it. */
const tradeId = /"trade_id":([0-9]+)/;
/** Where a match has it, before all else. */
const tradeIdOfMatch = '{"type":"match","trade_id":';
const product = /"product_id":"([^"]+)"/;

const maxReasonLength = 200;

const tradeDialect: TradeDialect = { micros, taker };
const quoteDialect: QuoteDialect = { micros, ids: true };

export function classify(frame: string): Classified {
  if (frame.startsWith(matchHead) || frame.startsWith(lastMatchHead)) return data('trades', frame);
  if (frame.startsWith(tickerHead)) return data('quotes', frame);
  const object = parseObject(frame);
  if (typeof object === 'string') return { kind: 'unknown' };
  switch (object.type) {
    case 'match':
    case 'last_match':
      return data('trades', frame);
    case 'ticker':
      return data('quotes', frame);
    case 'heartbeat':
      return heartbeat(object);
    case 'subscriptions':
      return { kind: 'ack', id: '', symbols: productsIn(object.channels), reason: '' };
    case 'error':
      return { kind: 'refused', id: '', symbols: [], reason: reasonIn(object) };
    default:
      return { kind: untaken.has(object.type) ? 'control' : 'unknown' };
  }
}

export function decode(frame: string, context: DecodeContext, emit: Emit): DecodeOutcome {
  const message = parseObject(frame);
  if (typeof message === 'string') return message;
  switch (message.type) {
    case 'match':
    case 'last_match':
      return take(takeMatch, message, frame, context, emit);
    case 'ticker':
      return take(takeTicker, message, frame, context, emit);
    default:
      return untaken.has(message.type) ? 'control' : 'unknown_type';
  }
}

type Take = (message: JsonObject, context: DecodeContext, emit: Emit) => void;

/** Reads the frame once more where an id has more digits than a JavaScript number holds. */
function take(
  takeRow: Take,
  message: JsonObject,
  frame: string,
  context: DecodeContext,
  emit: Emit,
): DecodeOutcome {
  const exact = hasLongInteger(message) ? parseObjectExactly(frame) : message;
  if (typeof exact === 'string') return exact;
  takeRow(exact, context, emit);
  return 'data';
}

/**
 * `last_match` is the product's last trade before the subscription, so that the stream joins what
 * was known.
 */
function takeMatch(message: JsonObject, context: DecodeContext, emit: Emit): void {
  const { product_id: symbol, trade_id: id, price, size, time, side } = message;
  takeTrade({ symbol, id, price, size, time, side }, tradeDialect, context, emit);
}

/**
 * Best bid and offer after a match; `time` and `sequence` are the match's. Sizes are missing before
 * 2022.
 */
function takeTicker(message: JsonObject, context: DecodeContext, emit: Emit): void {
  const { product_id: symbol, sequence: id, time, best_bid: bid, best_ask: ask } = message;
  const { best_bid_size: bidSize, best_ask_size: askSize } = message;
  takeQuote({ symbol, id, time, bid, bidSize, ask, askSize }, quoteDialect, context, emit);
}

/** A ticker follows the match that it names. */
function data(channel: Channel, frame: string): Classified {
  const id = shortIdOfMatch(frame) ?? readInteger(tradeId.exec(frame)?.[1]);
  const symbol = product.exec(frame)?.[1];
  return isSymbol(symbol) && id !== undefined
    ? { kind: 'data', channel, lastTrade: { symbol, id } }
    : dataOf[channel];
}

/** The id of a match, where it stands first and has at most 15 digits. */
function shortIdOfMatch(frame: string): number | undefined {
  if (!frame.startsWith(tradeIdOfMatch)) return undefined;
  let id = 0;
  let at = tradeIdOfMatch.length;
  for (; at < frame.length; at++) {
    const digit = frame.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    id = id * 10 + digit;
  }
  const digits = at - tradeIdOfMatch.length;
  return digits >= 1 && digits <= 15 ? id : undefined;
}

function heartbeat({ product_id: symbol, last_trade_id: last }: JsonObject): Classified {
  const id = readInteger(last);
  return isSymbol(symbol) && id !== undefined
    ? { kind: 'heartbeat', lastTrade: { symbol, id } }
    : { kind: 'heartbeat' };
}

/** `[{"name":"matches","product_ids":["BTC-USD"]}]`: every product named, once. */
function productsIn(channels: unknown): readonly string[] {
  if (!Array.isArray(channels)) return [];
  const lists = channels.map((channel: unknown) => isObject(channel) && channel.product_ids);
  return [...new Set(lists.flat().filter(isSymbol))];
}

function reasonIn({ message, reason }: JsonObject): string {
  return [message, reason]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, maxReasonLength);
}

function hasLongInteger({ trade_id: trade, sequence }: JsonObject): boolean {
  return losesDigits(trade) || losesDigits(sequence);
}

function micros(time: unknown): number | undefined {
  return typeof time === 'string' ? microsFromIso(time) : undefined;
}

/** "The side field indicates the maker order side": the taker's is the other one. */
function taker(maker: unknown): Side | undefined {
  if (maker === 'sell') return 'buy';
  return maker === 'buy' ? 'sell' : undefined;
}
