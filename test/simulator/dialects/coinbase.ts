import * as v from 'valibot';
import type { TrueTrade } from '../market.ts';
import { timeText } from './dialect.ts';
import type { Dialect } from './dialect.ts';

const coinbaseRequest = v.object({
  product_ids: v.array(v.string()),
  channels: v.array(v.string()),
});

const coinbaseTrade = (type: string, trade: TrueTrade): string => {
  const { symbol, id, micros, price, size, taker } = trade;
  const maker = taker === 'buy' ? 'sell' : 'buy';
  return `{"type":"${type}","trade_id":${id},"maker_order_id":"m","taker_order_id":"t","side":"${maker}","size":"${size}","price":"${price}","product_id":"${symbol}","sequence":${id * 3},"time":"${timeText(micros)}"}`;
};

export const coinbase: Dialect = {
  symbols: ['BTC-USD', 'ETH-USD', 'SOL-USD', 'LTC-EUR', 'ADA-USD', 'DOGE-USD'],
  badSymbol: 'NOSUCH-USD',
  badNames: 'refuse_all',
  grainUs: 1,
  quotesHaveIds: true,
  quotesHaveTimes: true,
  replays: 1,
  trade: (trade) => coinbaseTrade('match', trade),
  quote: ({ symbol, id, micros, bid, bidSize, ask, askSize }) =>
    `{"type":"ticker","sequence":${id},"product_id":"${symbol}","price":"${bid}","best_bid":"${bid}","best_bid_size":"${bidSize}","best_ask":"${ask}","best_ask_size":"${askSize}","side":"buy","time":"${timeText(micros)}","trade_id":1,"last_size":"1"}`,
  replay: (trades) => trades.map((trade) => coinbaseTrade('last_match', trade)),
  heartbeat: (last) =>
    last === undefined
      ? undefined
      : `{"type":"heartbeat","sequence":${last.id * 3},"last_trade_id":${last.id},"product_id":"${last.symbol}","time":"${timeText(last.micros)}"}`,
  read: (text) => {
    const { product_ids: symbols, channels } = v.parse(coinbaseRequest, JSON.parse(text));
    const streams = ['trades', 'quotes'] as const;
    const asked = streams.filter((stream) =>
      channels.includes(stream === 'trades' ? 'matches' : 'ticker'),
    );
    return {
      id: '',
      wanted: asked.flatMap((stream) => symbols.map((symbol) => ({ stream, symbol }))),
    };
  },
  accept: ({ wanted }) => {
    const products = JSON.stringify([...new Set(wanted.map(({ symbol }) => symbol))]);
    return [`{"type":"subscriptions","channels":[{"name":"matches","product_ids":${products}}]}`];
  },
  refuse: (_request, bad) => [
    `{"type":"error","message":"Failed to subscribe","reason":"${bad} is not a valid product"}`,
  ],
};
