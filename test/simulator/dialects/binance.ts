import * as v from 'valibot';
import type { Dialect } from './dialect.ts';

const binanceRequest = v.object({ params: v.array(v.string()), id: v.number() });

const combined = (symbol: string, type: string, data: object): string =>
  JSON.stringify({ stream: `${symbol.toLowerCase()}@${type}`, data });

export const binance: Dialect = {
  symbols: ['BTCUSDT', 'ETHUSDT', 'XRPETH', 'SOLUSDT', 'DOGEUSDT', 'ADAUSDT'],
  badSymbol: 'NOSUCHUSDT',
  badNames: 'ignored',
  grainUs: 1000,
  quotesHaveIds: true,
  quotesHaveTimes: false,
  replays: 0,
  trade: ({ symbol, id, micros, price, size, taker }) => {
    const at = micros / 1000;
    const fields = { s: symbol, t: id, p: price, q: size, T: at, m: taker === 'sell', M: true };
    return combined(symbol, 'trade', { e: 'trade', E: at, ...fields });
  },
  quote: ({ symbol, id, bid, bidSize, ask, askSize }) =>
    combined(symbol, 'bookTicker', { u: id, s: symbol, b: bid, B: bidSize, a: ask, A: askSize }),
  replay: (trades) => trades.map((trade) => binance.trade(trade)),
  heartbeat: () => undefined,
  read: (text) => {
    const { params, id } = v.parse(binanceRequest, JSON.parse(text));
    const wanted = params.map((param) => {
      const [symbol = '', type] = param.split('@');
      return {
        stream: type === 'trade' ? 'trades' : 'quotes',
        symbol: symbol.toUpperCase(),
      } as const;
    });
    return { id: String(id), wanted };
  },
  accept: ({ id }) => [`{"result":null,"id":${id}}`],
  refuse: ({ id }) => [`{"code":2,"msg":"Invalid request","id":${id}}`],
};
