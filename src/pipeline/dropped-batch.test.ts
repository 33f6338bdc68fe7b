import { expect, test } from 'bun:test';
import { ZERO } from '../market/decimal.ts';
import type { Quote, Trade } from '../market/events.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import { gapsOfDroppedBatch } from './dropped-batch.ts';

const BTC = { id: 0, venue: 'v', symbol: 'BTC' };
const ETH = { id: 1, venue: 'v', symbol: 'ETH' };

const trade = (instrument: Trade['instrument'], id: number, at: number): Trade => ({
  kind: 'trade',
  instrument,
  eventTime: eventTime(at),
  receiveTime: receiveTime(at),
  id,
  ref: undefined,
  price: ZERO,
  size: ZERO,
  side: 'buy',
  firstId: undefined,
  lastId: undefined,
  late: undefined,
});

const quote = (at: number): Quote => ({
  kind: 'quote',
  instrument: BTC,
  eventTime: undefined,
  receiveTime: receiveTime(at),
  id: at,
  venueId: true,
  bid: ZERO,
  bidSize: ZERO,
  ask: undefined,
  askSize: undefined,
});

const gaps = (rows: readonly Trade[]) =>
  gapsOfDroppedBatch({ table: 'trade', rows, bytes: 0 }, receiveTime(9_000));

test('a dropped batch is one hole an instrument, over its ids and times, in any order', () => {
  const rows = [trade(BTC, 7, 1_007), trade(ETH, 3, 1_000), trade(BTC, 5, 1_005)];
  expect(gaps(rows)).toMatchObject([
    { instrument: BTC, fromId: 5, toId: 7, missing: 2, fromTime: 1_004, toTime: 1_007 },
    { instrument: ETH, fromId: 3, toId: 3, missing: 1, reason: 'dropped', detectedAt: 9_000 },
  ]);
});

test('the hole has a key of its own beside one from the same id and time', () => {
  // The operators put a hole from id 5 at the time of trade 4.
  expect(gaps([trade(BTC, 5, 1_004)])[0]?.fromTime).not.toBe(eventTime(1_004));
});

test('dropped quotes are a hole of time that lacks no trade', () => {
  const batch = { table: 'quote', rows: [quote(500), quote(600)], bytes: 0 } as const;
  expect(gapsOfDroppedBatch(batch, receiveTime(9_000))).toMatchObject([
    { fromId: 0, toId: 0, missing: 0, fromTime: 499, toTime: 600 },
  ]);
});
