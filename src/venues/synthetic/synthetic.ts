/**
 * The format of our own synthetic source, a venue like any other from here on: compact JSON, prices
 * and sizes as text, times in microseconds, contiguous trade ids and rising quote ids per symbol.
 *
 *     {"e":"trade","s":"SYN-001","i":123,"p":"100.05","q":"0.5","m":"b","t":1795435200000000}
 *     {"e":"quote","s":"SYN-001","u":7,"b":"100.04","B":"2","a":"100.06","A":"1.5","t":…}
 *
 * `m` is the taker's side, `b` (bought) or `s` (sold).
 */
import type { Side } from '../../market/events.ts';
import { microsFromMicros } from '../../market/time.ts';
import { losesDigits, parseObject, parseObjectExactly, type JsonObject } from '../json.ts';
import { takeQuote, takeTrade, type QuoteDialect, type TradeDialect } from '../rows.ts';
import { dataOf } from '../venue.ts';
import type {
  Classified,
  ConnectionPlan,
  DecodeContext,
  DecodeOutcome,
  Emit,
  Venue,
  VenueFacts,
} from '../venue.ts';
import { scan } from './scan.ts';

const facts: VenueFacts = {
  tradeIds: 'contiguous',
  quoteIds: true,
  maxConnectionAgeMs: undefined,
  maxSymbolsPerConnection: Number.MAX_SAFE_INTEGER,
  maxSendsPerSecond: Number.MAX_SAFE_INTEGER,
  maxConnectsPerMinute: Number.MAX_SAFE_INTEGER,
  confirmsPerSymbol: false,
  acksUnknownNames: false,
};

export const synthetic: Venue = { id: 'synthetic', facts, plan, classify, decode, scan };

const tradeHead = '{"e":"trade"';
const quoteHead = '{"e":"quote"';
const tradeDialect: TradeDialect = { micros, taker };
const quoteDialect: QuoteDialect = { micros, ids: true };

/** No connection: the frames are made in this process. */
function plan(): readonly ConnectionPlan[] {
  return [];
}

function classify(frame: string): Classified {
  if (frame.startsWith(tradeHead)) return dataOf.trades;
  if (frame.startsWith(quoteHead)) return dataOf.quotes;
  const object = parseObject(frame);
  if (typeof object === 'string') return { kind: 'unknown' };
  if (object.e === 'trade') return dataOf.trades;
  return object.e === 'quote' ? dataOf.quotes : { kind: 'unknown' };
}

function decode(frame: string, context: DecodeContext, emit: Emit): DecodeOutcome {
  let row = parseObject(frame);
  if (typeof row !== 'string' && hasLongInteger(row)) row = parseObjectExactly(frame);
  if (typeof row === 'string') return row;
  if (row.e === 'trade') {
    const { s: symbol, i: id, p: price, q: size, t: time, m: side } = row;
    takeTrade({ symbol, id, price, size, time, side }, tradeDialect, context, emit);
    return 'data';
  }
  if (row.e === 'quote') {
    const { s: symbol, u: id, b: bid, B: bidSize, a: ask, A: askSize, t: time } = row;
    takeQuote({ symbol, id, time, bid, bidSize, ask, askSize }, quoteDialect, context, emit);
    return 'data';
  }
  return 'unknown_type';
}

function hasLongInteger({ i, u }: JsonObject): boolean {
  return losesDigits(i) || losesDigits(u);
}

function micros(time: unknown): number | undefined {
  return typeof time === 'number' || typeof time === 'string' ? microsFromMicros(time) : undefined;
}

function taker(side: unknown): Side | undefined {
  if (side === 'b') return 'buy';
  return side === 's' ? 'sell' : undefined;
}
