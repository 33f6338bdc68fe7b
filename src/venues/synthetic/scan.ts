/** Both frames of the synthetic source, whose fields stand in one order. */
import type { Side } from '../../market/events.ts';
import type { Frame } from '../../market/frame.ts';
import { quoteOf, tradeOf } from '../rows.ts';
import { Literal, Scanner } from '../scanner.ts';
import type { Emit, ScanContext } from '../venue.ts';

const scanner = new Scanner();

const tradeHead = new Literal('{"e":"trade","s":"');
const tradeId = new Literal(',"i":');
const price = new Literal(',"p":"');
const size = new Literal(',"q":"');
const bought = new Literal(',"m":"b","t":');
const sold = new Literal(',"m":"s","t":');

const quoteHead = new Literal('{"e":"quote","s":"');
const quoteId = new Literal(',"u":');
const bid = new Literal(',"b":"');
const bidSize = new Literal(',"B":"');
const ask = new Literal(',"a":"');
const askSize = new Literal(',"A":"');
const time = new Literal(',"t":');

export function scan(frame: Frame, context: ScanContext, emit: Emit): boolean {
  if (!scanner.begin(frame)) return false;
  if (scanner.takes(tradeHead)) return scanTrade(context, emit);
  return scanner.takes(quoteHead) && scanQuote(context, emit);
}

function scanTrade(context: ScanContext, emit: Emit): boolean {
  const instrument = scanner.symbol(context);
  if (instrument === undefined || !(scanner.takes(tradeId) && scanner.integer())) return false;
  const id = scanner.value;
  if (!(scanner.takes(price) && scanner.decimalText())) return false;
  const paid = scanner.taken();
  if (!(scanner.takes(size) && scanner.decimalText())) return false;
  const amount = scanner.taken();
  const side = takenSide();
  if (side === undefined || !(scanner.integer() && scanner.ends(1))) return false;
  const micros = scanner.value;
  emit.trade(tradeOf(instrument, micros, context, id, paid, amount, side, undefined, undefined));
  return true;
}

function takenSide(): Side | undefined {
  if (scanner.takes(bought)) return 'buy';
  return scanner.takes(sold) ? 'sell' : undefined;
}

function scanQuote(context: ScanContext, emit: Emit): boolean {
  const instrument = scanner.symbol(context);
  if (instrument === undefined || !(scanner.takes(quoteId) && scanner.integer())) return false;
  const id = scanner.value;
  const bids = scanner.level(bid, bidSize);
  if (bids === undefined) return false;
  const asks = scanner.level(ask, askSize);
  if (asks === undefined) return false;
  if (!(scanner.takes(time) && scanner.integer() && scanner.ends(1))) return false;
  emit.quote(quoteOf(instrument, scanner.value, context, id, true, bids, asks));
  return true;
}
