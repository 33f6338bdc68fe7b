/**
 * The frames that make up Kraken's load, read from their bytes in the order in which Kraken writes
 * their fields: trades, any number in a frame, and tickers of one book, with a time (since 2025)
 * and without. Prices and sizes are JSON numbers, taken from their digits.
 */
import type { Side, Trade } from '../../market/events.ts';
import type { Frame } from '../../market/frame.ts';
import { quoteOf, tradeOf, type Level } from '../rows.ts';
import { Literal, Scanner } from '../scanner.ts';
import type { Emit, ScanContext } from '../venue.ts';

const scanner = new Scanner();

const tradeHead = new Literal('{"channel":"trade","type":"');
const tickerHead = new Literal('{"channel":"ticker","type":"');
const update = new Literal('update","data":[{"symbol":"');
const snapshot = new Literal('snapshot","data":[{"symbol":"');

const bought = new Literal(',"side":"buy","price":');
const sold = new Literal(',"side":"sell","price":');
const size = new Literal(',"qty":');
const orderType = new Literal(',"ord_type":"');
const tradeId = new Literal(',"trade_id":');
const time = new Literal(',"timestamp":"');
const nextRow = new Literal('},{"symbol":"');

const bid = new Literal(',"bid":');
const bidSize = new Literal(',"bid_qty":');
const ask = new Literal(',"ask":');
const askSize = new Literal(',"ask_qty":');
/** What follows of the day, each of them or not. */
const ofDay = ['last', 'volume', 'vwap', 'low', 'high', 'change', 'change_pct'].map(
  (key) => new Literal(`,"${key}":`),
);

const closingBrace = 0x7d;
const closingBracket = 0x5d;

/** The rows of a frame that is not read to its end yet; empty between frames. */
const rows: Trade[] = [];

export function scan(frame: Frame, context: ScanContext, emit: Emit): boolean {
  if (!scanner.begin(frame)) return false;
  const isTrade = scanner.takes(tradeHead);
  if (!isTrade && !scanner.takes(tickerHead)) return false;
  if (!scanner.takes(update) && !scanner.takes(snapshot)) return false;
  if (!isTrade) return scanTicker(context, emit);
  const isRead = scanTrades(context);
  if (isRead) for (const row of rows) emit.trade(row);
  rows.length = 0;
  return isRead;
}

/** All rows of the frame, to `rows`. */
function scanTrades(context: ScanContext): boolean {
  do {
    const row = takenTrade(context);
    if (row === undefined) return false;
    rows.push(row);
  } while (scanner.takes(nextRow));
  return endsData();
}

function takenTrade(context: ScanContext): Trade | undefined {
  const instrument = scanner.symbol(context);
  if (instrument === undefined) return undefined;
  const side = takenSide();
  if (side === undefined || !scanner.decimal()) return undefined;
  const paid = scanner.taken();
  if (!(scanner.takes(size) && scanner.decimal())) return undefined;
  const amount = scanner.taken();
  if (!(scanner.takes(orderType) && scanner.text())) return undefined;
  if (!(scanner.takes(tradeId) && scanner.integer())) return undefined;
  const id = scanner.value;
  if (!(scanner.takes(time) && scanner.timeText())) return undefined;
  const micros = scanner.value;
  return tradeOf(instrument, micros, context, id, paid, amount, side, undefined, undefined);
}

function takenSide(): Side | undefined {
  if (scanner.takes(bought)) return 'buy';
  return scanner.takes(sold) ? 'sell' : undefined;
}

function scanTicker(context: ScanContext, emit: Emit): boolean {
  const instrument = scanner.symbol(context);
  if (instrument === undefined) return false;
  const bids = takenLevel(bid, bidSize);
  if (bids === undefined) return false;
  const asks = takenLevel(ask, askSize);
  if (asks === undefined) return false;
  for (const key of ofDay) if (scanner.takes(key) && !scanner.skipNumber()) return false;
  const hasTime = scanner.takes(time);
  // A time of zero is a book's that never had anything in it: for `decode`.
  if (hasTime && !(scanner.timeText() && scanner.value > 0)) return false;
  const micros = hasTime ? scanner.value : undefined;
  if (!endsData()) return false;
  emit.quote(quoteOf(instrument, micros, context, context.position(), false, bids, asks));
  return true;
}

/** A zero stands for a side that is not there: that is for `decode`. */
function takenLevel(priceKey: Literal, sizeKey: Literal): Level | undefined {
  if (!(scanner.takes(priceKey) && scanner.decimal()) || scanner.isZero()) return undefined;
  const at = scanner.taken();
  if (!(scanner.takes(sizeKey) && scanner.decimal()) || scanner.isZero()) return undefined;
  return { price: at, size: scanner.taken() };
}

/** The end of the last row, of `data`, and of the frame. */
function endsData(): boolean {
  return scanner.takesByte(closingBrace) && scanner.takesByte(closingBracket) && scanner.ends(1);
}
