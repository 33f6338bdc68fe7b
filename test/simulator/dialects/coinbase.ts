import * as v from 'valibot';
import type { TrueQuote, TrueTrade } from '../market.ts';
import { timeText } from './dialect.ts';
import type { Dialect } from './dialect.ts';

const coinbaseRequest = v.object({
  product_ids: v.array(v.string()),
  channels: v.array(v.string()),
});

const match = (type: string, trade: TrueTrade): string =>
  JSON.stringify({
    type,
    trade_id: trade.id,
    maker_order_id: 'm',
    taker_order_id: 't',
    side: trade.taker === 'buy' ? 'sell' : 'buy',
    size: trade.size,
    price: trade.price,
    product_id: trade.symbol,
    sequence: trade.id * 3,
    time: timeText(trade.micros),
  });

const ticker = (quote: TrueQuote): string =>
  JSON.stringify({
    type: 'ticker',
    sequence: quote.id,
    product_id: quote.symbol,
    price: quote.bid,
    best_bid: quote.bid,
    best_bid_size: quote.bidSize,
    best_ask: quote.ask,
    best_ask_size: quote.askSize,
    side: 'buy',
    time: timeText(quote.micros),
    trade_id: 1,
    last_size: '1',
  });

const heartbeat = ({ id, symbol, micros }: TrueTrade): string =>
  JSON.stringify({
    type: 'heartbeat',
    sequence: id * 3,
    last_trade_id: id,
    product_id: symbol,
    time: timeText(micros),
  });

export const coinbase: Dialect = {
  symbols: ['BTC-USD', 'ETH-USD', 'SOL-USD', 'LTC-EUR', 'ADA-USD', 'DOGE-USD'],
  badSymbol: 'NOSUCH-USD',
  badNames: 'refuse_all',
  grainUs: 1,
  quotesHaveIds: true,
  quotesHaveTimes: true,
  replays: 1,
  trade: (trade) => match('match', trade),
  quote: ticker,
  replay: (trades) => trades.map((trade) => match('last_match', trade)),
  heartbeat: (last) => last && heartbeat(last),
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
