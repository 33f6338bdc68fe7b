import { expect, test } from 'bun:test';
import { Instruments, maxInstruments } from './instrument.ts';

test('gives one instrument to one venue and symbol, with dense ids in order of mention', () => {
  const instruments = new Instruments();
  const first = instruments.intern('binance', 'BTCUSDT');
  const second = instruments.intern('bybit', 'BTCUSDT');
  expect(first).toEqual({ id: 0, venue: 'binance', symbol: 'BTCUSDT' });
  expect(second).toEqual({ id: 1, venue: 'bybit', symbol: 'BTCUSDT' });
  expect(instruments.intern('binance', 'BTCUSDT')).toBe(first);
  expect(instruments.get(1)).toBe(second);
  expect(instruments.get(2)).toBeUndefined();
  expect(instruments.size).toBe(2);
});

test('past its limit it still knows the old ones and takes no new one', () => {
  const instruments = new Instruments();
  for (let at = 0; at < maxInstruments; at++) instruments.intern('v', `S${at}`);
  expect(instruments.intern('v', 'one more')).toBeUndefined();
  expect(instruments.size).toBe(maxInstruments);
  expect(instruments.intern('v', 'S7')?.id).toBe(7);
});
