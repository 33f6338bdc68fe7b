/**
 * The frames that make up Binance's load, read from their bytes in the order in which Binance
 * writes their fields: trades (once with the ids of the two orders), aggregates, and best bid and
 * offer, each raw or in a combined stream. What kind a frame is, its own fields say, never the
 * stream's name, as in `decode`.
 */
import type { Side } from '../../market/events.ts';
import type { Frame } from '../../market/frame.ts';
import { quoteOf, tradeOf } from '../rows.ts';
import { Literal, Scanner } from '../scanner.ts';
import type { Emit, ScanContext } from '../venue.ts';
import { microsOf } from './frames.ts';

const scanner = new Scanner();

const streamHead = new Literal('{"stream":"');
const dataHead = new Literal(',"data":{');
const tradeHead = new Literal('"e":"trade","E":');
const aggregateHead = new Literal('"e":"aggTrade","E":');
const quoteHead = new Literal('"u":');

const symbol = new Literal(',"s":"');
const tradeId = new Literal(',"t":');
const aggregateId = new Literal(',"a":');
const price = new Literal(',"p":"');
const size = new Literal(',"q":"');
const buyerOrder = new Literal(',"b":');
const sellerOrder = new Literal(',"a":');
const firstTrade = new Literal(',"f":');
const lastTrade = new Literal(',"l":');
const time = new Literal(',"T":');
const sold = new Literal(',"m":true,"M":true}');
const bought = new Literal(',"m":false,"M":true}');

const bid = new Literal(',"b":"');
const bidSize = new Literal(',"B":"');
const ask = new Literal(',"a":"');
const askSize = new Literal(',"A":"');

const brace = 0x7b;
const closingBrace = 0x7d;
const letterB = 0x62;
const letterE = 0x65;
const letterT = 0x74;
const letterU = 0x75;

export function scan(frame: Frame, context: ScanContext, emit: Emit): boolean {
  if (!scanner.begin(frame)) return false;
  const outer = scanner.takes(streamHead) ? 1 : 0;
  if (outer === 0 ? !scanner.takesByte(brace) : !(scanner.text() && scanner.takes(dataHead))) {
    return false;
  }
  if (scanner.peek(1) === letterU) return scanQuote(context, emit, outer);
  if (scanner.peek(1) !== letterE) return false;
  return scanner.peek(5) === letterT
    ? scanTrade(context, emit, outer)
    : scanAggregate(context, emit, outer);
}

/** `outer`: the braces around the row itself. */
function scanTrade(context: ScanContext, emit: Emit, outer: 0 | 1): boolean {
  if (!(scanner.takes(tradeHead) && scanner.integer() && scanner.takes(symbol))) return false;
  const instrument = scanner.symbol(context);
  if (instrument === undefined) return false;
  if (!(scanner.takes(tradeId) && scanner.integer())) return false;
  const id = scanner.value;
  if (!(scanner.takes(price) && scanner.decimalText())) return false;
  const paid = scanner.taken();
  if (!(scanner.takes(size) && scanner.decimalText())) return false;
  const amount = scanner.taken();
  if (scanner.peek(2) === letterB && !skipOrders()) return false;
  if (!(scanner.takes(time) && scanner.integer())) return false;
  const micros = microsOf(scanner.value);
  const side = takenSide();
  if (micros === undefined || side === undefined || !scanner.ends(outer)) return false;
  emit.trade(tradeOf(instrument, micros, context, id, paid, amount, side, undefined, undefined));
  return true;
}

/** The buyer's and the seller's order: trades had them until 2023. */
function skipOrders(): boolean {
  return (
    scanner.takes(buyerOrder) &&
    scanner.integer() &&
    scanner.takes(sellerOrder) &&
    scanner.integer()
  );
}

function scanAggregate(context: ScanContext, emit: Emit, outer: 0 | 1): boolean {
  if (!(scanner.takes(aggregateHead) && scanner.integer() && scanner.takes(symbol))) return false;
  const instrument = scanner.symbol(context);
  if (instrument === undefined) return false;
  if (!(scanner.takes(aggregateId) && scanner.integer())) return false;
  const id = scanner.value;
  if (!(scanner.takes(price) && scanner.decimalText())) return false;
  const paid = scanner.taken();
  if (!(scanner.takes(size) && scanner.decimalText())) return false;
  const amount = scanner.taken();
  if (!(scanner.takes(firstTrade) && scanner.integer())) return false;
  const first = scanner.value;
  if (!(scanner.takes(lastTrade) && scanner.integer()) || scanner.value < first) return false;
  const last = scanner.value;
  if (!(scanner.takes(time) && scanner.integer())) return false;
  const micros = microsOf(scanner.value);
  const side = takenSide();
  if (micros === undefined || side === undefined || !scanner.ends(outer)) return false;
  emit.trade(tradeOf(instrument, micros, context, id, paid, amount, side, first, last));
  return true;
}

function takenSide(): Side | undefined {
  if (scanner.takes(sold)) return 'sell';
  return scanner.takes(bought) ? 'buy' : undefined;
}

function scanQuote(context: ScanContext, emit: Emit, outer: 0 | 1): boolean {
  if (!(scanner.takes(quoteHead) && scanner.integer())) return false;
  const id = scanner.value;
  if (!scanner.takes(symbol)) return false;
  const instrument = scanner.symbol(context);
  if (instrument === undefined) return false;
  const bids = scanner.level(bid, bidSize);
  if (bids === undefined) return false;
  const asks = scanner.level(ask, askSize);
  if (asks === undefined || !scanner.takesByte(closingBrace) || !scanner.ends(outer)) return false;
  emit.quote(quoteOf(instrument, undefined, context, id, true, bids, asks));
  return true;
}
