import { expect, test } from 'bun:test';
import { formatDecimal } from '../../market/decimal.ts';
import { formatTime } from '../../market/time.ts';
import { decoded } from '../../../test/contract/venue-decoding.ts';
import type { Subscription } from '../venue.ts';
import { coinbase } from './coinbase.ts';

const match = {
  type: 'match',
  trade_id: 10,
  sequence: 50,
  time: '2014-11-07T08:19:27.028459Z',
  product_id: 'BTC-USD',
  size: '5.23512',
  price: '400.23',
  side: 'sell',
};
const ticker = {
  type: 'ticker',
  sequence: 37_475_248_783,
  product_id: 'ETH-USD',
  price: '1285.22',
  best_bid: '1285.04',
  best_bid_size: '0.46688654',
  best_ask: '1285.27',
  best_ask_size: '1.56637040',
  side: 'buy',
  time: '2022-10-19T23:28:22.061769Z',
  trade_id: 370_843_401,
};

test.each(['match', 'last_match'])('takes a %s with the side of the taker', (type) => {
  const [row] = decoded(coinbase, JSON.stringify({ ...match, type })).trades;
  expect(row).toMatchObject({ id: 10, side: 'buy', firstId: undefined });
  expect(row?.instrument.symbol).toBe('BTC-USD');
  expect(row && [formatDecimal(row.price), formatDecimal(row.size)]).toEqual(['400.23', '5.23512']);
  expect(formatTime(row?.eventTime ?? 0)).toBe('2014-11-07T08:19:27.028459Z');
  const [sold] = decoded(coinbase, JSON.stringify({ ...match, side: 'buy' })).trades;
  expect(sold?.side).toBe('sell');
});

test('takes a quote under the sequence and time of its match, and no second trade', () => {
  const { quotes, trades } = decoded(coinbase, JSON.stringify(ticker));
  expect(trades).toEqual([]);
  expect(quotes[0]).toMatchObject({ id: 37_475_248_783, venueId: true });
  expect(formatTime(quotes[0]?.eventTime ?? 0)).toBe('2022-10-19T23:28:22.061769Z');
  expect(quotes[0]?.askSize && formatDecimal(quotes[0].askSize)).toBe('1.5663704');
});

test('a quote from the years without sizes has prices only', () => {
  const old = { ...ticker, best_bid_size: undefined, best_ask_size: undefined };
  const [row] = decoded(coinbase, JSON.stringify(old)).quotes;
  expect(row?.bid && formatDecimal(row.bid)).toBe('1285.04');
  expect([row?.bidSize, row?.askSize]).toEqual([undefined, undefined]);
});

test('keeps every digit of a sequence beyond 2^53', () => {
  const frame = JSON.stringify(ticker).replace('37475248783', '9007199254740993');
  expect(decoded(coinbase, frame).quotes[0]?.id).toBe(9_007_199_254_740_993n);
});

test.each([
  ['trade bad_time', { ...match, time: '0001-01-01T00:00:00.000000Z' }],
  ['trade bad_side', { ...match, side: 'SELL' }],
  ['trade missing_field', { ...match, product_id: '' }],
  ['quote bad_time', { ...ticker, time: 'yesterday' }],
  ['quote bad_number', { ...ticker, best_bid_size: 'many' }],
  ['quote missing_field', { ...ticker, sequence: undefined }],
] as const)('rejects a row: %s', (reason, message) => {
  expect(decoded(coinbase, JSON.stringify(message)).rejected).toEqual([reason]);
});

test('a heartbeat names the last trade of its product', () => {
  const frame = '{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD"}';
  expect(coinbase.classify(frame)).toEqual({
    kind: 'heartbeat',
    lastTrade: { symbol: 'BTC-USD', id: 20 },
  });
  expect(coinbase.classify('{"type":"heartbeat"}')).toEqual({ kind: 'heartbeat' });
});

test('an acknowledgement names every product, a refusal none', () => {
  const channels = [
    { name: 'matches', product_ids: ['BTC-USD', 'ETH-USD'] },
    { name: 'heartbeat', product_ids: ['ETH-USD', 'BTC-USD', 7] },
    'nonsense',
  ];
  expect(coinbase.classify(JSON.stringify({ type: 'subscriptions', channels }))).toEqual({
    kind: 'ack',
    id: '',
    symbols: ['BTC-USD', 'ETH-USD'],
    reason: '',
  });
  const error = {
    type: 'error',
    message: 'Failed to subscribe',
    reason: 'X is not a valid product',
  };
  expect(coinbase.classify(JSON.stringify(error))).toEqual({
    kind: 'refused',
    id: '',
    symbols: [],
    reason: 'Failed to subscribe: X is not a valid product',
  });
});

test('tells apart what it does not take and what it does not know', () => {
  expect(decoded(coinbase, '{"type":"l2update"}').outcome).toBe('control');
  expect(decoded(coinbase, '{"type":"novelty"}').outcome).toBe('unknown_type');
  expect(decoded(coinbase, '{"channel":"market_trades","events":[]}').outcome).toBe('unknown_type');
});

const wish: Subscription = {
  symbols: ['BTC-USD', 'ETH-USD'],
  channels: ['trades', 'quotes'],
  url: undefined,
  trades: 'trade',
};

test('asks for all channels of a list at once, heartbeats too', () => {
  const [plan] = coinbase.plan(wish);
  expect(plan?.url).toBe('wss://ws-feed.exchange.coinbase.com/');
  expect(JSON.parse(plan?.subscribe[0]?.text ?? '')).toEqual({
    type: 'subscribe',
    product_ids: ['BTC-USD', 'ETH-USD'],
    channels: ['matches', 'ticker', 'heartbeat'],
  });
});

test('has no aggregate trades', () => {
  expect(() => coinbase.plan({ ...wish, trades: 'aggTrade' })).toThrow('no aggregate trades');
});
