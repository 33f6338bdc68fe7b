import * as v from 'valibot';
import type { TrueTrade } from '../market.ts';
import { timeText } from './dialect.ts';
import type { Dialect, Stream } from './dialect.ts';

const krakenRequest = v.object({
  params: v.object({ channel: v.string(), symbol: v.array(v.string()) }),
  req_id: v.number(),
});

const krakenRow = ({ symbol, id, micros, price, size, taker }: TrueTrade): string =>
  `{"symbol":"${symbol}","side":"${taker}","price":${price},"qty":${krakenNumber(size)},` +
  `"ord_type":"limit","trade_id":${id},"timestamp":"${timeText(micros)}"}`;

/** Small numbers come with an exponent. */
const krakenNumber = (size: string): string => {
  const small = /^0\.0000000([1-9])$/.exec(size);
  return small === null ? size : `${small[1]}e-8`;
};

const krakenTrades = (type: string, trades: readonly TrueTrade[]): string =>
  `{"channel":"trade","type":"${type}","data":[${trades.map(krakenRow).join()}]}`;

const channelOf = (stream: Stream): string => (stream === 'trades' ? 'trade' : 'ticker');

const answer = (id: string, fields: object): string =>
  JSON.stringify({ method: 'subscribe', req_id: Number(id), ...fields });

export const kraken: Dialect = {
  symbols: ['BTC/USD', 'ETH/USD', 'SOL/EUR', 'XRP/USD', 'ADA/USD', 'DOT/USD'],
  badSymbol: 'NOSUCH/USD',
  badNames: 'refuse_one',
  grainUs: 1,
  quotesHaveIds: false,
  quotesHaveTimes: true,
  replays: 50,
  trade: (trade) => krakenTrades('update', [trade]),
  quote: ({ symbol, micros, bid, bidSize, ask, askSize }) =>
    `{"channel":"ticker","type":"update","data":[{"symbol":"${symbol}",` +
    `"bid":${bid},"bid_qty":${bidSize},"ask":${ask},"ask_qty":${askSize},` +
    `"last":${bid},"timestamp":"${timeText(micros)}"}]}`,
  replay: (trades) => (trades.length === 0 ? [] : [krakenTrades('snapshot', trades)]),
  heartbeat: () => '{"channel":"heartbeat"}',
  read: (text) => {
    const { params, req_id: id } = v.parse(krakenRequest, JSON.parse(text));
    const stream = params.channel === 'trade' ? 'trades' : 'quotes';
    return { id: String(id), wanted: params.symbol.map((symbol) => ({ stream, symbol })) };
  },
  accept: ({ id, wanted }) =>
    wanted.map(({ stream, symbol }) =>
      answer(id, { success: true, result: { channel: channelOf(stream), symbol } }),
    ),
  refuse: ({ id }, bad) => [
    answer(id, { success: false, error: `Currency pair not supported ${bad}`, symbol: bad }),
  ],
};
