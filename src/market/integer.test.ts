import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  addInteger,
  compareInteger,
  integerOf,
  multiplyInteger,
  parseInteger,
  subtractInteger,
} from './integer.ts';

const edge = BigInt(Number.MAX_SAFE_INTEGER);
const integers = fc.oneof(
  fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }),
  fc.bigInt({ min: edge - 3n, max: edge + 3n }),
  fc.bigInt({ min: -edge - 3n, max: -edge + 3n }),
  fc.bigInt({ min: -3n, max: 3n }),
);

test('reads back every integer it prints, with every digit', () => {
  fc.assert(
    fc.property(integers, (value) => {
      expect(parseInteger(String(value))).toBe(integerOf(value));
      expect(String(integerOf(value))).toBe(String(value));
    }),
  );
});

test('adds, subtracts, multiplies and compares as bigints do, in canonical form', () => {
  fc.assert(
    fc.property(integers, integers, (a, b) => {
      expect(addInteger(integerOf(a), integerOf(b))).toBe(integerOf(a + b));
      expect(subtractInteger(integerOf(a), integerOf(b))).toBe(integerOf(a - b));
      expect(multiplyInteger(integerOf(a), integerOf(b))).toBe(integerOf(a * b));
      expect(compareInteger(integerOf(a), integerOf(b))).toBe(Number(a > b) - Number(a < b));
    }),
  );
});

test('keeps every digit of an id beyond 2^53', () => {
  expect(parseInteger('9007199254740993')).toBe(9_007_199_254_740_993n);
  expect(parseInteger('16174536464690282295')).toBe(16_174_536_464_690_282_295n);
});

test('has one zero, however it was written', () => {
  for (const text of ['0', '-0', '000', '-00000000000000000000']) {
    expect(Object.is(parseInteger(text), 0)).toBe(true);
  }
});

test.each(['', '-', '+1', '1.0', '1e3', '0x10', ' 1', '1 ', '١', 'NaN', '9'.repeat(41)])(
  'does not take %p for an integer',
  (text) => {
    expect(parseInteger(text)).toBeUndefined();
  },
);
