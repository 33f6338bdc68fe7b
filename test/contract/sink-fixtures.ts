import fc from 'fast-check';
import type { Bar } from '../../src/market/bar.ts';
import type { Decimal } from '../../src/market/decimal.ts';
import { parseDecimal } from '../../src/market/decimal.ts';
import type { Quote, Trade } from '../../src/market/events.ts';
import type { Gap } from '../../src/market/gap.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { integerOf, type Integer } from '../../src/market/integer.ts';
import { eventTime, receiveTime } from '../../src/market/time.ts';
import type { Batch, DeadLetter } from '../../src/sinks/sink.ts';

/** Rows for the sink contract: one of each kind to vary, and arbitrary ones. */

/** 2026-11-23T12:00:00Z. */
export const noon = 1_795_435_200_000_000;

/** In microseconds. */
export const SECOND = 1_000_000;

export function instrument(id: number, symbol: string): Instrument {
  return { id, venue: 'binance', symbol };
}

export function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`Expected a decimal, got ${text}`);
  return value;
}

export function trade(of: Instrument, fields: Partial<Trade> = {}): Trade {
  return {
    kind: 'trade',
    instrument: of,
    eventTime: eventTime(noon),
    receiveTime: receiveTime(noon + 1_234),
    id: 1,
    ref: undefined,
    price: decimal('97000.1'),
    size: decimal('0.25'),
    side: 'buy',
    firstId: undefined,
    lastId: undefined,
    late: undefined,
    ...fields,
  };
}

export function quote(of: Instrument, fields: Partial<Quote> = {}): Quote {
  return {
    kind: 'quote',
    instrument: of,
    eventTime: eventTime(noon),
    receiveTime: receiveTime(noon + 1_234),
    id: 1,
    venueId: true,
    bid: decimal('97000.1'),
    bidSize: decimal('3'),
    ask: decimal('97000.2'),
    askSize: decimal('0.5'),
    ...fields,
  };
}

export function bar(of: Instrument, fields: Partial<Bar> = {}): Bar {
  return {
    kind: 'bar',
    instrument: of,
    timeframe: 60,
    openTime: eventTime(noon),
    open: decimal('10'),
    high: decimal('12.5'),
    low: decimal('9'),
    close: decimal('11'),
    volume: decimal('3'),
    quoteVolume: decimal('33.3'),
    buyVolume: decimal('1.5'),
    vwap: decimal('11.1'),
    tradeCount: 4,
    firstTradeId: 1,
    lastTradeId: 4,
    lateCount: 0,
    complete: true,
    gap: false,
    revision: 1,
    epoch: 0,
    ...fields,
  };
}

export function gap(of: Instrument, fields: Partial<Gap> = {}): Gap {
  return {
    kind: 'gap',
    instrument: of,
    fromId: 5,
    toId: 9,
    fromTime: eventTime(noon + 10_000_000),
    toTime: eventTime(noon + 20_000_000),
    missing: 5,
    reason: 'skipped',
    detectedAt: receiveTime(noon + 21_000_000),
    filledAt: undefined,
    ...fields,
  };
}

export function deadLetter(fields: Partial<DeadLetter> = {}): DeadLetter {
  return {
    kind: 'dead_letter',
    position: 7n,
    row: 0,
    receiveTime: receiveTime(noon),
    source: 'binance',
    stage: 'decode',
    reason: 'undecodable',
    sqlstate: undefined,
    payload: new Uint8Array([0, 255, 123]),
    ...fields,
  };
}

export const batches = {
  trades: (rows: readonly Trade[]): Batch => ({ table: 'trade', rows, bytes: 0 }),
  quotes: (rows: readonly Quote[]): Batch => ({ table: 'quote', rows, bytes: 0 }),
  bars: (rows: readonly Bar[]): Batch => ({ table: 'bar', rows, bytes: 0 }),
  gaps: (rows: readonly Gap[]): Batch => ({ table: 'gap', rows, bytes: 0 }),
  deadLetters: (rows: readonly DeadLetter[]): Batch => ({ table: 'dead_letter', rows, bytes: 0 }),
};

/** Up to 30 digits and 18 decimals, the sign aside: what venues send and what bars sum up to. */
export const decimals: fc.Arbitrary<Decimal> = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 30n }), fc.integer({ min: 0, max: 18 }))
  .map(([units, scale]) => decimal(`${units}e-${scale}`));

/** Ids on both sides of 2^53, up to the end of 64 bits. */
export const ids: fc.Arbitrary<Integer> = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 1_000n }),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
    fc.bigInt({ min: 2n ** 62n, max: 2n ** 63n - 1n }),
  )
  .map(integerOf);

/**
 * Two hours before midnight to noon: two days, so that a database with a partition a day makes two.
 */
export const micros: fc.Arbitrary<number> = fc.integer({
  min: noon - 14 * 3_600_000_000,
  max: noon,
});
