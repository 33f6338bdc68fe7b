import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyQuote, anyTrade } from '../../../test/contract/any-ticks.ts';
import type { Quote, Trade } from '../../market/events.ts';
import { PackedRows, type InstrumentRow } from '../packed-rows.ts';
import { BinaryRows } from './binary-rows.ts';
import { quoteTable, tradeTable, type TickTable } from './ticks.ts';

/** The database's ids of instruments, other than ours. */
const ids = { of: (id: number) => id + 1000 };

const lates = [undefined, 'late', 'stale', 'unplaced'];

/** What the schema says, field by field from the row itself. */
function writeTrade(out: BinaryRows, trade: Trade): void {
  out.row(11);
  out.int4(ids.of(trade.instrument.id));
  out.time(trade.eventTime);
  out.int8(trade.id);
  out.time(trade.receiveTime);
  out.numeric(trade.price);
  out.numeric(trade.size);
  out.char(trade.side?.charCodeAt(0));
  out.int2(lates.indexOf(trade.late));
  out.int8(trade.firstId);
  out.int8(trade.lastId);
  out.text(trade.ref);
}

function writeQuote(out: BinaryRows, quote: Quote): void {
  out.row(8);
  out.int4(ids.of(quote.instrument.id));
  out.time(quote.eventTime ?? quote.receiveTime);
  out.int8(quote.id);
  out.time(quote.receiveTime);
  for (const value of [quote.bid, quote.bidSize, quote.ask, quote.askSize]) out.numeric(value);
}

function bytesOf(write: (out: BinaryRows) => void): Buffer {
  const out = new BinaryRows();
  out.begin();
  write(out);
  return Buffer.from(out.end());
}

function encodesAsWritten<Row extends InstrumentRow>(
  { layout, columns, encode }: TickTable<Row>,
  row: fc.Arbitrary<Row>,
  write: (out: BinaryRows, row: Row) => void,
): void {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.nat({ max: 30 }), (rows, from) => {
      const packed = PackedRows.of(layout, rows).slice(from, rows.length);
      const encoded = bytesOf((out) => encode(out, packed, ids));
      const written = bytesOf((out) => {
        for (const each of rows.slice(from)) write(out, each);
      });
      expect(encoded.toString('hex')).toBe(written.toString('hex'));
      if (rows.length > from) expect(encoded.readInt16BE(19)).toBe(columns.length);
    }),
    { numRuns: 200 },
  );
}

test('encodes flat trades byte for byte as each is written by itself', () => {
  encodesAsWritten(tradeTable, anyTrade, writeTrade);
});

test('encodes flat quotes byte for byte as each is written by itself', () => {
  encodesAsWritten(quoteTable, anyQuote, writeQuote);
});
