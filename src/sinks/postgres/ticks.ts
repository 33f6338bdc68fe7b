import type { Quote, Trade } from '../../market/events.ts';
import { QUOTE, QUOTE_SCALE, quoteLayout } from '../packed-quotes.ts';
import {
  INSTRUMENT_BITS,
  INSTRUMENT_WORD,
  ODD,
  ROW_BYTES,
  ROW_NUMBERS,
  ROW_WORDS,
  type InstrumentRow,
  type PackedRows,
  type RowLayout,
  type RowMemory,
} from '../packed-rows.ts';
import { lateIndexOf, sideIndex, TRADE, tradeLayout, tradeMarks } from '../packed-trades.ts';
import {
  putChar,
  putColumns,
  putDecimal,
  putInt2,
  putInt4,
  putInt8,
  putInt8OrNull,
  putNull,
  putTime,
} from './binary-fields.ts';
import type { BinaryRows } from './binary-rows.ts';
import type { InstrumentIds } from './instrument-ids.ts';

/** How rows of one table are sent by COPY. */
export type TickTable<Row extends InstrumentRow> = {
  readonly table: 'trade' | 'quote';
  readonly columns: readonly string[];
  readonly key: string;
  readonly layout: RowLayout<Row>;
  /** Every instrument of the rows must have been learned. */
  readonly encode: (out: BinaryRows, rows: PackedRows<Row>, ids: Pick<InstrumentIds, 'of'>) => void;
};

const tradeColumns = [
  'instrument_id',
  'ts',
  'trade_id',
  'receive_ts',
  'price',
  'size',
  'side',
  'late',
  'first_id',
  'last_id',
  'trade_ref',
];
const quoteColumns = [
  'instrument_id',
  'ts',
  'quote_id',
  'receive_ts',
  'bid',
  'bid_size',
  'ask',
  'ask_size',
];

const bought = 'b'.charCodeAt(0);
const sold = 's'.charCodeAt(0);
/** By `sideIndex`. */
const sideCodes = [undefined, bought, sold];

export const tradeTable: TickTable<Trade> = {
  table: 'trade',
  columns: tradeColumns,
  key: 'instrument_id, ts, trade_id',
  layout: tradeLayout,
  encode: (out, trades, ids) => {
    const { memory, from, length } = trades;
    for (let place = from; place < from + length; place += 1) {
      const word = memory.words[place * ROW_WORDS + INSTRUMENT_WORD] ?? 0;
      const id = ids.of(word & INSTRUMENT_BITS);
      if ((word & ODD) !== 0) encodeOddTrade(out, trades.oddAt(place), id);
      else out.at = putTrade(out.room(), out.at, memory, place, word, id);
    }
  },
};

export const quoteTable: TickTable<Quote> = {
  table: 'quote',
  columns: quoteColumns,
  key: 'instrument_id, ts, quote_id',
  layout: quoteLayout,
  encode: (out, quotes, ids) => {
    const { memory, from, length } = quotes;
    for (let place = from; place < from + length; place += 1) {
      const word = memory.words[place * ROW_WORDS + INSTRUMENT_WORD] ?? 0;
      const id = ids.of(word & INSTRUMENT_BITS);
      if ((word & ODD) !== 0) encodeOddQuote(out, quotes.oddAt(place), id);
      else out.at = putQuote(out.room(), out.at, memory, place, id);
    }
  },
};

function putTrade(
  view: DataView,
  start: number,
  { numbers, bytes }: RowMemory,
  place: number,
  word: number,
  instrumentId: number,
): number {
  const from = place * ROW_NUMBERS;
  const small = place * ROW_BYTES;
  let at = putColumns(view, start, tradeColumns.length);
  at = putInt4(view, at, instrumentId);
  at = putTime(view, at, numbers[from + TRADE.eventTime] ?? 0);
  at = putInt8(view, at, numbers[from + TRADE.id] ?? 0);
  at = putTime(view, at, numbers[from + TRADE.receiveTime] ?? 0);
  at = putDecimal(view, at, numbers[from + TRADE.price] ?? 0, bytes[small + TRADE.priceScale] ?? 0);
  at = putDecimal(view, at, numbers[from + TRADE.size] ?? 0, bytes[small + TRADE.sizeScale] ?? 0);
  const side = sideIndex(word);
  at = side === 0 ? putNull(view, at) : putChar(view, at, side === 1 ? bought : sold);
  at = putInt2(view, at, lateIndexOf(word));
  at = putInt8OrNull(view, at, numbers[from + TRADE.firstId] ?? 0);
  at = putInt8OrNull(view, at, numbers[from + TRADE.lastId] ?? 0);
  return putNull(view, at);
}

function encodeOddTrade(out: BinaryRows, trade: Trade, instrumentId: number): void {
  const marks = tradeMarks(trade);
  out.row(tradeColumns.length);
  out.int4(instrumentId);
  out.time(trade.eventTime);
  out.int8(trade.id);
  out.time(trade.receiveTime);
  out.numeric(trade.price);
  out.numeric(trade.size);
  out.char(sideCodes[sideIndex(marks)]);
  out.int2(lateIndexOf(marks));
  out.int8(trade.firstId);
  out.int8(trade.lastId);
  out.text(trade.ref);
}

function putQuote(
  view: DataView,
  start: number,
  memory: RowMemory,
  place: number,
  instrumentId: number,
): number {
  const { numbers, bytes } = memory;
  const from = place * ROW_NUMBERS;
  const scale = place * ROW_BYTES + QUOTE_SCALE;
  let at = putColumns(view, start, quoteColumns.length);
  at = putInt4(view, at, instrumentId);
  at = putTime(view, at, quoteLayout.timeOf(memory, place));
  at = putInt8(view, at, numbers[from + QUOTE.id] ?? 0);
  at = putTime(view, at, numbers[from + QUOTE.receiveTime] ?? 0);
  at = putDecimal(view, at, numbers[from + QUOTE.bid] ?? 0, bytes[scale + QUOTE.bid] ?? 0);
  at = putDecimal(view, at, numbers[from + QUOTE.bidSize] ?? 0, bytes[scale + QUOTE.bidSize] ?? 0);
  at = putDecimal(view, at, numbers[from + QUOTE.ask] ?? 0, bytes[scale + QUOTE.ask] ?? 0);
  return putDecimal(
    view,
    at,
    numbers[from + QUOTE.askSize] ?? 0,
    bytes[scale + QUOTE.askSize] ?? 0,
  );
}

function encodeOddQuote(out: BinaryRows, quote: Quote, instrumentId: number): void {
  out.row(quoteColumns.length);
  out.int4(instrumentId);
  out.time(quote.eventTime ?? quote.receiveTime);
  out.int8(quote.id);
  out.time(quote.receiveTime);
  out.numeric(quote.bid);
  out.numeric(quote.bidSize);
  out.numeric(quote.ask);
  out.numeric(quote.askSize);
}
