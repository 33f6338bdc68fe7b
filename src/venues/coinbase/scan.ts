/**
 * The frames that make up Coinbase's load, read from their bytes in the order in which Coinbase
 * writes their fields: matches, as they have come since 2019 at least and as the documentation
 * orders them, and tickers, with sizes (since 2022) and without.
 */
import type { Side } from '../../market/events.ts';
import type { Frame } from '../../market/frame.ts';
import { quoteOf, tradeOf, type Level } from '../rows.ts';
import { Literal, Scanner } from '../scanner.ts';
import type { Emit, ScanContext } from '../venue.ts';

const scanner = new Scanner();

const tickerHead = new Literal('{"type":"ticker","sequence":');
const matchHead = new Literal('{"type":"match","trade_id":');
const lastMatchHead = new Literal('{"type":"last_match","trade_id":');

const maker = new Literal(',"maker_order_id":"');
const taker = new Literal(',"taker_order_id":"');
const makerBuys = new Literal(',"side":"buy"');
const makerSells = new Literal(',"side":"sell"');
const size = new Literal(',"size":"');
const price = new Literal(',"price":"');
const product = new Literal(',"product_id":"');
const sequence = new Literal(',"sequence":');
const time = new Literal(',"time":"');

const open = new Literal(',"open_24h":"');
const volume = new Literal(',"volume_24h":"');
const low = new Literal(',"low_24h":"');
const high = new Literal(',"high_24h":"');
const volumeOfMonth = new Literal(',"volume_30d":"');
const bid = new Literal(',"best_bid":"');
const bidSize = new Literal(',"best_bid_size":"');
const ask = new Literal(',"best_ask":"');
const askSize = new Literal(',"best_ask_size":"');
const side = new Literal(',"side":"');
const tradeId = new Literal(',"trade_id":');
const lastSize = new Literal(',"last_size":"');

export function scan(frame: Frame, context: ScanContext, emit: Emit): boolean {
  if (!scanner.begin(frame)) return false;
  if (scanner.takes(tickerHead)) return scanTicker(context, emit);
  if (!scanner.takes(matchHead) && !scanner.takes(lastMatchHead)) return false;
  if (!scanner.integer()) return false;
  const id = scanner.value;
  return scanner.takes(sequence)
    ? scanDocumentedMatch(id, context, emit)
    : scanMatch(id, context, emit);
}

/** The orders, side, size, price, product, sequence, time. */
function scanMatch(id: number, context: ScanContext, emit: Emit): boolean {
  if (!skipOrders()) return false;
  const taken = takenSide();
  if (taken === undefined || !(scanner.takes(size) && scanner.decimalText())) return false;
  const amount = scanner.taken();
  if (!(scanner.takes(price) && scanner.decimalText())) return false;
  const paid = scanner.taken();
  if (!scanner.takes(product)) return false;
  const instrument = scanner.symbol(context);
  if (instrument === undefined || !(scanner.takes(sequence) && scanner.integer())) return false;
  if (!(scanner.takes(time) && scanner.timeText() && scanner.ends(1))) return false;
  const micros = scanner.value;
  emit.trade(tradeOf(instrument, micros, context, id, paid, amount, taken, undefined, undefined));
  return true;
}

/** The sequence, the orders, time, product, size, price, side. */
function scanDocumentedMatch(id: number, context: ScanContext, emit: Emit): boolean {
  if (!(scanner.integer() && skipOrders())) return false;
  if (!(scanner.takes(time) && scanner.timeText())) return false;
  const micros = scanner.value;
  if (!scanner.takes(product)) return false;
  const instrument = scanner.symbol(context);
  if (instrument === undefined || !(scanner.takes(size) && scanner.decimalText())) return false;
  const amount = scanner.taken();
  if (!(scanner.takes(price) && scanner.decimalText())) return false;
  const paid = scanner.taken();
  const taken = takenSide();
  if (taken === undefined || !scanner.ends(1)) return false;
  emit.trade(tradeOf(instrument, micros, context, id, paid, amount, taken, undefined, undefined));
  return true;
}

function skipOrders(): boolean {
  return scanner.takes(maker) && scanner.text() && scanner.takes(taker) && scanner.text();
}

/** The taker's side: the other one than the maker's, which stands in the frame. */
function takenSide(): Side | undefined {
  if (scanner.takes(makerSells)) return 'buy';
  return scanner.takes(makerBuys) ? 'sell' : undefined;
}

function scanTicker(context: ScanContext, emit: Emit): boolean {
  if (!scanner.integer()) return false;
  const id = scanner.value;
  if (!scanner.takes(product)) return false;
  const instrument = scanner.symbol(context);
  if (instrument === undefined || !skipDay()) return false;
  const bids = takenLevel(bid, bidSize);
  if (bids === undefined) return false;
  const asks = takenLevel(ask, askSize);
  if (asks === undefined || !(scanner.takes(side) && scanner.text())) return false;
  if (!(scanner.takes(time) && scanner.timeText())) return false;
  const micros = scanner.value;
  if (!(scanner.takes(tradeId) && scanner.integer())) return false;
  if (!(scanner.takes(lastSize) && scanner.text() && scanner.ends(1))) return false;
  emit.quote(quoteOf(instrument, micros, context, id, true, bids, asks));
  return true;
}

function skipDay(): boolean {
  return (
    skipped(price) &&
    skipped(open) &&
    skipped(volume) &&
    skipped(low) &&
    skipped(high) &&
    skipped(volumeOfMonth)
  );
}

function skipped(key: Literal): boolean {
  return scanner.takes(key) && scanner.text();
}

/** A zero stands for a side that is not there: that is for `decode`. */
function takenLevel(priceKey: Literal, sizeKey: Literal): Level | undefined {
  if (!(scanner.takes(priceKey) && scanner.decimalText()) || scanner.isZero()) return undefined;
  const at = scanner.taken();
  if (!scanner.takes(sizeKey)) return { price: at, size: undefined };
  if (!scanner.decimalText() || scanner.isZero()) return undefined;
  return { price: at, size: scanner.taken() };
}
