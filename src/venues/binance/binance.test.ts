import { expect, test } from 'bun:test';
import { formatDecimal } from '../../market/decimal.ts';
import { formatTime } from '../../market/time.ts';
import { decoded } from '../../../test/contract/venue-decoding.ts';
import type { Subscription } from '../venue.ts';
import { binance } from './binance.ts';

const trade = {
  e: 'trade',
  E: 1_723_161_255_343,
  s: 'BTCUSDT',
  t: 3_735_683_259,
  p: '61837.63000000',
  q: '0.02000000',
  T: 1_723_161_255_342,
  m: true,
  M: true,
};
const aggregate = { ...trade, e: 'aggTrade', t: undefined, a: 12, f: 100, l: 105 };
const quote = { u: 400, s: 'BTCUSDT', b: '61837.63', B: '3.78', a: '61837.64', A: '1.54' };

const combined = (data: object): string => JSON.stringify({ stream: 'btcusdt@any', data });
const text = (value: Parameters<typeof formatDecimal>[0] | undefined): string | undefined =>
  value && formatDecimal(value);

test('takes a trade, combined or raw, with the taker opposite to the maker', () => {
  for (const frame of [combined(trade), JSON.stringify(trade)]) {
    const [row] = decoded(binance, frame).trades;
    expect(row).toMatchObject({
      id: 3_735_683_259,
      side: 'sell',
      firstId: undefined,
      late: undefined,
    });
    expect(row?.instrument).toEqual({ id: 0, venue: 'binance', symbol: 'BTCUSDT' });
    expect([text(row?.price), text(row?.size)]).toEqual(['61837.63', '0.02']);
    expect(formatTime(row?.eventTime ?? 0)).toBe('2024-08-08T23:54:15.342000Z');
  }
  expect(decoded(binance, combined({ ...trade, m: false })).trades[0]?.side).toBe('buy');
});

test('takes an aggregate with the range of trades it stands for', () => {
  const [row] = decoded(binance, combined(aggregate)).trades;
  expect(row).toMatchObject({ id: 12, firstId: 100, lastId: 105 });
});

test('reads times in microseconds when they are asked for in the address', () => {
  const [row] = decoded(binance, combined({ ...trade, T: 1_723_161_255_342_123 })).trades;
  expect(formatTime(row?.eventTime ?? 0)).toBe('2024-08-08T23:54:15.342123Z');
});

test('keeps every digit of ids beyond 2^53', () => {
  const frame = combined(aggregate)
    .replace('"a":12', '"a":9007199254740993')
    .replace('"l":105', '"l":18446744073709551615');
  const [row] = decoded(binance, frame).trades;
  expect(row?.id).toBe(9_007_199_254_740_993n);
  expect(row?.lastId).toBe(18_446_744_073_709_551_615n);
  expect(row?.firstId).toBe(100);
  expect(text(row?.price)).toBe('61837.63');
});

test('takes a quote with its update id and without a time', () => {
  const [row] = decoded(binance, combined(quote)).quotes;
  expect(row).toMatchObject({ id: 400, venueId: true, eventTime: undefined });
  expect([row?.bid, row?.bidSize, row?.ask, row?.askSize].map(text)).toEqual([
    '61837.63',
    '3.78',
    '61837.64',
    '1.54',
  ]);
});

test('keeps a crossed quote as it was sent', () => {
  const [row] = decoded(binance, combined({ ...quote, b: '2', a: '1' })).quotes;
  expect([text(row?.bid), text(row?.ask)]).toEqual(['2', '1']);
});

test.each([
  ['a missing bid', { b: undefined, B: undefined }],
  ['a null bid', { b: null }],
  ['a bid of zero', { b: '0.00000000', B: '5' }],
  ['a bid with nothing in it', { B: '0.00000000' }],
])('a quote with %s has no bid, nor its size', (_name, part) => {
  const [row] = decoded(binance, combined({ ...quote, ...part })).quotes;
  expect([row?.bid, row?.bidSize]).toEqual([undefined, undefined]);
  expect(text(row?.ask)).toBe('61837.64');
});

test('a quote without any side is rejected', () => {
  const { quotes, rejected } = decoded(binance, combined({ ...quote, b: '0', a: '0' }));
  expect(quotes).toEqual([]);
  expect(rejected).toEqual(['quote missing_field']);
});

test.each([
  ['missing_field', { p: undefined }],
  ['missing_field', { m: null }],
  ['bad_symbol', { s: 'BTC USDT' }],
  ['bad_symbol', { s: 'X'.repeat(65) }],
  ['bad_symbol', { s: 7 }],
  ['bad_id', { t: 1.5 }],
  ['bad_id', { t: 'a-1' }],
  ['bad_number', { p: 61837.63 }],
  ['bad_number', { q: 'NaN' }],
  ['bad_time', { T: -1 }],
  ['bad_time', { T: '2024-08-08' }],
  ['bad_side', { m: 'true' }],
] as const)('a trade is rejected for %s', (reason, part) => {
  const { outcome, trades, rejected } = decoded(binance, combined({ ...trade, ...part }));
  expect(outcome).toBe('data');
  expect(trades).toEqual([]);
  expect(rejected).toEqual([`trade ${reason}`]);
});

test('an aggregate whose range runs backwards, or has an open end, is rejected', () => {
  expect(decoded(binance, combined({ ...aggregate, f: 106 })).rejected).toEqual(['trade bad_id']);
  const open = { ...aggregate, l: undefined };
  expect(decoded(binance, combined(open)).rejected).toEqual(['trade missing_field']);
});

test('tells apart what it does not take, what it does not know, and what is broken', () => {
  const outcome = (frame: string) => decoded(binance, frame).outcome;
  expect(outcome(combined({ e: 'depthUpdate', u: 1 }))).toBe('control');
  expect(outcome('{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}')).toBe('control');
  expect(outcome('{"lastUpdateId":1,"bids":[],"asks":[]}')).toBe('control');
  expect(outcome(combined({ e: 'markPriceUpdate' }))).toBe('unknown_type');
  expect(outcome('{"hello":1}')).toBe('unknown_type');
  expect(outcome('{"stream":"btcusdt@trade","data":7}')).toBe('malformed');
  expect(outcome('{"stream":"btcusdt@trade","data":{')).toBe('not_json');
  expect(outcome('[1]')).toBe('not_object');
  expect(outcome(' ')).toBe('empty');
});

test('hears acknowledgements and refusals of a request', () => {
  expect(binance.classify('{"result":null,"id":312}')).toEqual({
    kind: 'ack',
    id: '312',
    symbols: [],
    reason: '',
  });
  const refused = { kind: 'refused', symbols: [], reason: '2 Invalid request' } as const;
  expect(binance.classify('{"code":2,"msg":"Invalid request","id":"a"}')).toEqual({
    ...refused,
    id: 'a',
  });
  expect(binance.classify('{"error":{"code":2,"msg":"Invalid request"},"id":1}')).toEqual({
    ...refused,
    id: '1',
  });
});

const wish: Subscription = {
  symbols: ['BTCUSDT', 'ethusdt'],
  channels: ['trades', 'quotes'],
  url: undefined,
  trades: 'trade',
};

test('subscribes to combined streams, whatever the case of the symbols', () => {
  const [plan] = binance.plan(wish);
  expect(plan?.url).toBe('wss://stream.binance.com:9443/stream');
  expect(plan?.symbols).toEqual(['BTCUSDT', 'ETHUSDT']);
  const [frame] = plan?.subscribe ?? [];
  expect(JSON.parse(frame?.text ?? '')).toEqual({
    method: 'SUBSCRIBE',
    params: ['btcusdt@trade', 'btcusdt@bookTicker', 'ethusdt@trade', 'ethusdt@bookTicker'],
    id: Number(frame?.id),
  });
});

test('asks for aggregates instead of trades when they are wished', () => {
  const [plan] = binance.plan({ ...wish, trades: 'aggTrade', channels: ['trades'] });
  expect(plan?.subscribe[0]?.text).toContain('"btcusdt@aggTrade","ethusdt@aggTrade"');
});

test('never asks for more than 1024 streams on a connection, nor 100 in a frame', () => {
  const symbols = Array.from({ length: 1300 }, (_, at) => `S${at}`);
  const plans = binance.plan({ ...wish, symbols });
  expect(plans.length).toBe(3);
  for (const { subscribe } of plans) {
    const sizes = subscribe.map(({ text: frame }) => frame.split('@').length - 1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(1024);
  }
});

test('refuses names that are other venues’', () => {
  expect(() => binance.plan({ ...wish, symbols: ['BTC/USDT'] })).toThrow('BTC/USDT is no symbol');
});

test.each([
  ['ws://127.0.0.1:9000', 'ws://127.0.0.1:9000/stream'],
  ['ws://127.0.0.1:9000/', 'ws://127.0.0.1:9000/stream'],
  ['wss://proxy.test/binance?key=1', 'wss://proxy.test/binance/stream?key=1'],
  ['wss://data-stream.binance.vision/stream', 'wss://data-stream.binance.vision/stream'],
])('goes to %s as %s', (url, full) => {
  expect(binance.plan({ ...wish, url })[0]?.url).toBe(full);
});
