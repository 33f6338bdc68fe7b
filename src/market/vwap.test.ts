import { expect, test } from 'bun:test';
import { formatDecimal, parseDecimal, ZERO, type Decimal } from './decimal.ts';
import { vwap } from './vwap.ts';

const read = (text: string): Decimal => parseDecimal(text) ?? ZERO;

test('rounds half-even to eight decimals more than the prices have', () => {
  const price = vwap(read('100.05'), read('3'), 2);
  expect(price && formatDecimal(price)).toBe('33.35');
  const third = vwap(read('1'), read('3'), 1);
  expect(third && formatDecimal(third)).toBe('0.333333333');
});

test('never has more than 18 decimals', () => {
  const price = vwap(read('1'), read('3'), 18);
  expect(price && formatDecimal(price)).toBe(`0.${'3'.repeat(18)}`);
});

test('is undefined where nothing was traded', () => {
  expect(vwap(ZERO, ZERO, 2)).toBeUndefined();
});
