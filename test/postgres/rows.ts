import type { Bar } from '../../src/market/bar.ts';
import type { Quote, Trade } from '../../src/market/events.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { eventTime, receiveTime } from '../../src/market/time.ts';
import type { TickRows } from '../../src/sinks/packed-rows.ts';
import type { Batch } from '../../src/sinks/sink.ts';

/** 2026-11-23T12:00:00Z. */
export const noon = 1_795_435_200_000_000;

export const instruments: readonly Instrument[] = Array.from({ length: 100 }, (_, id) => ({
  id,
  venue: 'synthetic',
  symbol: `SYM-${id}`,
}));

const bitcoin: Instrument = { id: 0, venue: 'synthetic', symbol: 'SYM-0' };

export function makeTrade(id: number, changes: Partial<Trade> = {}): Trade {
  return {
    kind: 'trade',
    instrument: instruments[id % instruments.length] ?? bitcoin,
    eventTime: eventTime(noon + id * 1_000),
    receiveTime: receiveTime(noon + id * 1_000 + 250),
    id,
    ref: undefined,
    price: { units: 9_700_000 + (id % 9) + 1, scale: 2 },
    size: { units: 1_234 + (id % 9), scale: 5 },
    side: id % 2 === 0 ? 'buy' : 'sell',
    firstId: undefined,
    lastId: undefined,
    late: undefined,
    ...changes,
  };
}

/** `count` trades with ids from `from` on, ten of which share a millisecond. */
export function makeTrades(from: number, count: number): readonly Trade[] {
  return Array.from({ length: count }, (_, index) => makeTrade(from + index));
}

export function makeQuote(id: number, changes: Partial<Quote> = {}): Quote {
  return {
    kind: 'quote',
    instrument: instruments[id % instruments.length] ?? bitcoin,
    eventTime: eventTime(noon + id * 1_000),
    receiveTime: receiveTime(noon + id * 1_000 + 250),
    id,
    venueId: true,
    bid: { units: 970_001, scale: 1 },
    bidSize: { units: 15, scale: 1 },
    ask: { units: 970_003, scale: 1 },
    askSize: { units: 2, scale: 0 },
    ...changes,
  };
}

export function makeBar(minute: number, changes: Partial<Bar> = {}): Bar {
  const price = { units: 97_000, scale: 0 };
  return {
    kind: 'bar',
    instrument: bitcoin,
    timeframe: 60,
    openTime: eventTime(noon + minute * 60_000_000),
    open: price,
    high: price,
    low: price,
    close: price,
    volume: { units: 5, scale: 1 },
    quoteVolume: { units: 48_500, scale: 0 },
    buyVolume: { units: 5, scale: 1 },
    vwap: price,
    tradeCount: 1,
    firstTradeId: 1,
    lastTradeId: 1,
    lateCount: 0,
    complete: true,
    gap: false,
    revision: 1,
    epoch: 0,
    ...changes,
  };
}

export function tradeBatch(rows: TickRows<Trade>): Batch {
  return { table: 'trade', rows, bytes: rows.length * 100 };
}

export function quoteBatch(rows: readonly Quote[]): Batch {
  return { table: 'quote', rows, bytes: rows.length * 100 };
}

export function barBatch(rows: readonly Bar[]): Batch {
  return { table: 'bar', rows, bytes: rows.length * 200 };
}
