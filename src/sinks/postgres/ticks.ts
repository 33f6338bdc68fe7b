import type { LateReason, Quote, Trade } from '../../market/events.ts';
import type { BinaryRows } from './binary-rows.ts';

/** How rows of one table are sent by COPY. */
export type TickTable<Row> = {
  readonly table: 'trade' | 'quote';
  readonly columns: readonly string[];
  readonly key: string;
  /** Integer microseconds: the row's place among the partitions. */
  readonly timeOf: (row: Row) => number;
  readonly encode: (out: BinaryRows, row: Row, instrumentId: number) => void;
};

const bought = 'b'.charCodeAt(0);
const sold = 's'.charCodeAt(0);
const lateCodes: Readonly<Record<LateReason, number>> = { late: 1, stale: 2, unplaced: 3 };

export const tradeTable: TickTable<Trade> = {
  table: 'trade',
  columns: [
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
  ],
  key: 'instrument_id, ts, trade_id',
  timeOf: (trade) => trade.eventTime,
  encode: (out, trade, instrumentId) => {
    out.row(11);
    out.int4(instrumentId);
    out.time(trade.eventTime);
    out.int8(trade.id);
    out.time(trade.receiveTime);
    out.numeric(trade.price);
    out.numeric(trade.size);
    if (trade.side === undefined) out.null();
    else out.char(trade.side === 'buy' ? bought : sold);
    out.int2(trade.late === undefined ? 0 : lateCodes[trade.late]);
    out.int8(trade.firstId);
    out.int8(trade.lastId);
    out.text(trade.ref);
  },
};

export const quoteTable: TickTable<Quote> = {
  table: 'quote',
  columns: ['instrument_id', 'ts', 'quote_id', 'receive_ts', 'bid', 'bid_size', 'ask', 'ask_size'],
  key: 'instrument_id, ts, quote_id',
  timeOf: timeOfQuote,
  encode: (out, quote, instrumentId) => {
    out.row(8);
    out.int4(instrumentId);
    out.time(timeOfQuote(quote));
    out.int8(quote.id);
    out.time(quote.receiveTime);
    out.numeric(quote.bid);
    out.numeric(quote.bidSize);
    out.numeric(quote.ask);
    out.numeric(quote.askSize);
  },
};

function timeOfQuote(quote: Quote): number {
  return quote.eventTime ?? quote.receiveTime;
}
