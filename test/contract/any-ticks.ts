import fc from 'fast-check';
import { parseDecimal, type Decimal } from '../../src/market/decimal.ts';
import type { Quote, Trade } from '../../src/market/events.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { integerOf, type Integer } from '../../src/market/integer.ts';
import { eventTime, receiveTime } from '../../src/market/time.ts';

const instruments: readonly Instrument[] = [0, 1, 7, 99_999].map((id) => ({
  id,
  venue: 'binance',
  symbol: `SYM-${id}`,
}));

const anyInstrument = fc.constantFrom(...instruments);
const anyMicros = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** Of 64 bits, on both sides of 2^53. */
const anyId: fc.Arbitrary<Integer> = fc
  .oneof(
    fc.bigInt({ min: -5n, max: 10n ** 12n }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  )
  .map(integerOf);

const anyDecimal: fc.Arbitrary<Decimal> = fc
  .tuple(
    fc.oneof(
      fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
    ),
    fc.integer({ min: 0, max: 38 }),
  )
  .map(([digits, scale]) => {
    const value = parseDecimal(`${digits}e-${scale}`);
    if (value === undefined) throw new Error('the arbitrary is out of bounds');
    return value;
  });

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Every trade that a decoder may make, the odd ones often. */
export const anyTrade: fc.Arbitrary<Trade> = fc.record({
  kind: fc.constant('trade' as const),
  instrument: anyInstrument,
  eventTime: anyMicros.map(eventTime),
  receiveTime: anyMicros.map(receiveTime),
  id: anyId,
  ref: fc.option(fc.string({ unit: 'grapheme', maxLength: 40 }), { nil: undefined, freq: 8 }),
  price: anyDecimal,
  size: anyDecimal,
  side: maybe(fc.constantFrom('buy' as const, 'sell' as const)),
  firstId: maybe(anyId),
  lastId: maybe(anyId),
  late: maybe(fc.constantFrom('late' as const, 'stale' as const, 'unplaced' as const)),
});

/** Every quote that a decoder may make. */
export const anyQuote: fc.Arbitrary<Quote> = fc.record({
  kind: fc.constant('quote' as const),
  instrument: anyInstrument,
  eventTime: maybe(anyMicros.map(eventTime)),
  receiveTime: anyMicros.map(receiveTime),
  id: anyId,
  venueId: fc.boolean(),
  bid: maybe(anyDecimal),
  bidSize: maybe(anyDecimal),
  ask: maybe(anyDecimal),
  askSize: maybe(anyDecimal),
});
