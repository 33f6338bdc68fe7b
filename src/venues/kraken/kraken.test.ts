import { expect, test } from 'bun:test';
import { formatDecimal } from '../../market/decimal.ts';
import { formatTime } from '../../market/time.ts';
import { decoded, received } from '../../../test/contract/venue-decoding.ts';
import type { Subscription } from '../venue.ts';
import { kraken } from './kraken.ts';

const row = [
  '{"symbol":"BTC/USD","side":"buy","price":97000.10,"qty":5e-8,"ord_type":"limit"',
  '"trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}',
].join();
const trades = (...rows: readonly string[]): string =>
  `{"channel":"trade","type":"update","data":[${rows.join()}]}`;
const ticker = (fields: string): string =>
  `{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD",${fields}}]}`;

test('reads numbers from the frame to the digit', () => {
  const [trade] = decoded(kraken, trades(row)).trades;
  expect(trade && formatDecimal(trade.price)).toBe('97000.1');
  expect(trade && formatDecimal(trade.size)).toBe('0.00000005');
  expect(trade).toMatchObject({ id: 4_665_906, side: 'buy' });
  expect(formatTime(trade?.eventTime ?? 0)).toBe('2023-09-25T07:49:37.708706Z');
});

test('keeps digits that no float holds', () => {
  const long = row
    .replace('97000.10', '12345678901234567890.123456789012345678')
    .replace('4665906', '9007199254740993');
  const [trade] = decoded(kraken, trades(long)).trades;
  expect(trade && formatDecimal(trade.price)).toBe('12345678901234567890.123456789012345678');
  expect(trade?.id).toBe(9_007_199_254_740_993n);
});

test('one bad row does not cost its neighbours', () => {
  const bad = row.replace('"buy"', '"bought"');
  const { trades: taken, rejected } = decoded(kraken, trades(row, bad, row.replace('906', '907')));
  expect(taken.map(({ id }) => id)).toEqual([4_665_906, 4_665_907]);
  expect(rejected).toEqual(['trade bad_side']);
});

test('a list that is none, or holds anything but rows, gives nothing', () => {
  for (const frame of ['{"channel":"trade","data":{}}', '{"channel":"trade"}', trades(row, '7')]) {
    const { outcome, trades: taken } = decoded(kraken, frame);
    expect(outcome).toBe('malformed');
    expect(taken).toEqual([]);
  }
});

test('quotes have no id of the venue, and the time that it says', () => {
  const time = '2026-07-10T00:00:02.123456Z';
  const frame = ticker(
    ['"bid":97000.10,"bid_qty":1.20,"ask":97000.2,"ask_qty":2.3', `"timestamp":"${time}"`].join(),
  );
  const [quote] = decoded(kraken, frame).quotes;
  expect(quote).toMatchObject({ id: 1, venueId: false, receiveTime: received });
  expect(formatTime(quote?.eventTime ?? 0)).toBe(time);
  expect(quote?.bid && formatDecimal(quote.bid)).toBe('97000.1');
});

test('a quote without a time, or with the time of nothing, has none', () => {
  const without = ticker('"bid":1,"bid_qty":1,"ask":2,"ask_qty":1');
  const zero = ticker('"bid":1,"bid_qty":1,"timestamp":"1970-01-01T00:00:00.000000Z"');
  for (const frame of [without, zero]) {
    expect(decoded(kraken, frame).quotes[0]?.eventTime).toBeUndefined();
  }
});

test('an empty book is no quote', () => {
  const { quotes, rejected } = decoded(kraken, ticker('"bid":0,"bid_qty":0,"ask":0.0,"ask_qty":0'));
  expect(quotes).toEqual([]);
  expect(rejected).toEqual(['quote missing_field']);
});

test('hears each symbol of each channel acknowledged or refused by name', () => {
  const result = { channel: 'trade', symbol: 'BTC/USD' };
  const yes = { method: 'subscribe', req_id: 7, result, success: true };
  expect(kraken.classify(JSON.stringify(yes))).toEqual({
    kind: 'ack',
    id: '7',
    symbols: ['BTC/USD'],
    reason: '',
  });
  const error = 'Currency pair not supported XBT/USDT';
  const no = { error, method: 'subscribe', req_id: 8, success: false, symbol: 'XBT/USDT' };
  expect(kraken.classify(JSON.stringify(no))).toEqual({
    kind: 'refused',
    id: '8',
    symbols: ['XBT/USDT'],
    reason: error,
  });
});

test('hears signs of life, and what it need not answer', () => {
  expect(kraken.classify('{"channel":"heartbeat"}')).toEqual({ kind: 'heartbeat' });
  expect(kraken.classify('{ "channel": "heartbeat" }')).toEqual({ kind: 'heartbeat' });
  expect(kraken.classify('{"method":"pong","req_id":42}')).toEqual({ kind: 'control' });
  expect(kraken.classify('{"channel":"status","data":[]}')).toEqual({ kind: 'control' });
  expect(kraken.classify('{"channel":"novelty"}')).toEqual({ kind: 'unknown' });
});

const wish: Subscription = {
  symbols: ['BTC/USD', 'ETH/USD'],
  channels: ['trades', 'quotes'],
  url: 'ws://127.0.0.1:9000',
  trades: 'trade',
};

test('asks for trades with a snapshot and for quotes at every change of the best prices', () => {
  const [plan] = kraken.plan(wish);
  expect(plan?.url).toBe('ws://127.0.0.1:9000/v2');
  const symbol = ['BTC/USD', 'ETH/USD'];
  expect(plan?.subscribe.map(({ text }) => JSON.parse(text) as unknown)).toEqual([
    {
      method: 'subscribe',
      params: { channel: 'trade', symbol, snapshot: true },
      req_id: Number(plan?.subscribe[0]?.id),
    },
    {
      method: 'subscribe',
      params: { channel: 'ticker', symbol, event_trigger: 'bbo', snapshot: true },
      req_id: Number(plan?.subscribe[1]?.id),
    },
  ]);
});

test('two frames never share an id, though they were planned apart', () => {
  const ids = ['BTC/USD', 'ETH/USD'].flatMap((symbol) =>
    kraken
      .plan({ ...wish, symbols: [symbol] })
      .flatMap((plan) => plan.subscribe.map(({ id }) => id)),
  );
  expect(new Set(ids).size).toBe(4);
  expect(ids.every((id) => Number.isSafeInteger(Number(id)))).toBe(true);
});
