import { expect, test } from 'bun:test';
import { formatDecimal } from '../../market/decimal.ts';
import { decoded } from '../../../test/contract/venue-decoding.ts';
import { synthetic } from './synthetic.ts';

const trade = {
  e: 'trade',
  s: 'SYN-001',
  i: 123,
  p: '100.05',
  q: '0.5',
  m: 'b',
  t: 1_795_435_200_000_001,
};
const quote = { e: 'quote', s: 'SYN-001', u: 7, b: '100.04', B: '2', a: '100.06', A: '1.5', t: 1 };

test('takes a trade with its time to the microsecond', () => {
  const [row] = decoded(synthetic, JSON.stringify(trade)).trades;
  expect(row).toMatchObject({ id: 123, side: 'buy' });
  expect<number | undefined>(row?.eventTime).toBe(1_795_435_200_000_001);
  expect(row && [formatDecimal(row.price), formatDecimal(row.size)]).toEqual(['100.05', '0.5']);
  expect(decoded(synthetic, JSON.stringify({ ...trade, m: 's' })).trades[0]?.side).toBe('sell');
});

test('takes a quote with its id', () => {
  const [row] = decoded(synthetic, JSON.stringify(quote)).quotes;
  expect(row).toMatchObject({ id: 7, venueId: true });
  expect<number | undefined>(row?.eventTime).toBe(1);
});

test('keeps every digit of an id beyond 2^53', () => {
  const frame = JSON.stringify(trade).replace('"i":123', '"i":9007199254740993');
  expect(decoded(synthetic, frame).trades[0]?.id).toBe(9_007_199_254_740_993n);
});

test('needs no connection, and knows nothing else', () => {
  const wish = {
    symbols: ['SYN-001'],
    channels: ['trades'],
    url: undefined,
    trades: 'trade',
  } as const;
  expect(synthetic.plan(wish)).toEqual([]);
  expect(decoded(synthetic, '{"e":"bar"}').outcome).toBe('unknown_type');
  expect(synthetic.classify('{"e":"bar"}')).toEqual({ kind: 'unknown' });
});
