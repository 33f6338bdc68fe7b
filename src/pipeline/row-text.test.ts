import { expect, test } from 'bun:test';
import { parseDecimal, type Decimal } from '../market/decimal.ts';
import { Instruments } from '../market/instrument.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import type { Trade } from '../market/events.ts';
import { rowFromText } from './row-from-text.ts';
import { rowAsText } from './row-text.ts';

const decimal = (text: string): Decimal => {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`no decimal: ${text}`);
  return value;
};

test('a trade comes back from its text with every digit', () => {
  const instruments = new Instruments();
  const instrument = instruments.intern('kraken', 'BTC/USD');
  if (instrument === undefined) throw new Error('no room');
  const trade: Trade = {
    kind: 'trade',
    instrument,
    eventTime: eventTime(1_795_435_200_000_001),
    receiveTime: receiveTime(1_795_435_200_000_002),
    id: 9_007_199_254_740_993n,
    ref: undefined,
    price: decimal('60000.123456789012345678'),
    size: decimal('0.00000001'),
    side: 'sell',
    firstId: undefined,
    lastId: undefined,
    late: 'stale',
  };
  expect(rowFromText(rowAsText(trade), instruments)).toEqual(trade);
});

test('any other text is refused, naming what is damaged', () => {
  const instruments = new Instruments();
  expect(() => rowFromText('{"kind":"tra', instruments)).toThrow('its text is damaged');
  expect(() => rowFromText('{"kind":"bill"}', instruments)).toThrow('its kind is damaged');
});
