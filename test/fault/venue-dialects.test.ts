import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { binance } from '../../src/venues/binance/binance.ts';
import { coinbase } from '../../src/venues/coinbase/coinbase.ts';
import { kraken } from '../../src/venues/kraken/kraken.ts';
import { stage, until } from '../venue/stage.ts';

const coinbaseRequest = v.object({ product_ids: v.array(v.string()) });
const krakenRequest = v.object({
  req_id: v.number(),
  params: v.object({ channel: v.string(), symbol: v.array(v.string()) }),
});
const binanceRequest = v.object({ id: v.number(), params: v.array(v.string()) });

describe('the dialects of the venues, spoken as they document them', () => {
  test('Coinbase ignores a list with a bad name: the 49 others are subscribed', async () => {
    const products = Array.from({ length: 50 }, (_, at) => `P${at}-USD`);
    const subscribed: string[] = [];
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        for (;;) {
          const { product_ids } = v.parse(coinbaseRequest, JSON.parse(await peer.next()));
          if (product_ids.includes('P7-USD')) {
            const reason = 'P7-USD is not a valid product';
            peer.send(JSON.stringify({ type: 'error', message: 'Failed to subscribe', reason }));
            continue;
          }
          subscribed.push(...product_ids);
          const channels = [{ name: 'matches', product_ids: subscribed }];
          peer.send(JSON.stringify({ type: 'subscriptions', channels }));
        }
      },
      {
        venue: { ...coinbase, facts: { ...coinbase.facts, maxSendsPerSecond: 500 } },
        symbols: products,
      },
    );
    await until(() => source.report().phase === 'open');
    expect(intake.symbolsOf('refused')).toEqual(['P7-USD']);
    expect(intake.symbolsOf('subscribed').length).toBe(49);
  });

  test('Kraken answers for each symbol of each channel', async () => {
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        peer.send('{"channel":"status","type":"update","data":[{"system":"online"}]}');
        for (let frames = 0; frames < 2; frames += 1) {
          const { req_id, params } = v.parse(krakenRequest, JSON.parse(await peer.next()));
          for (const symbol of params.symbol) {
            const answer =
              symbol === 'NO/NE'
                ? { error: `Currency pair not supported ${symbol}`, success: false, symbol }
                : { result: { channel: params.channel, symbol, snapshot: true }, success: true };
            peer.send(JSON.stringify({ method: 'subscribe', req_id, ...answer }));
          }
        }
      },
      { venue: kraken, symbols: ['BTC/USD', 'NO/NE', 'ETH/USD'] },
    );
    await until(() => source.report().phase === 'open');
    expect(intake.symbolsOf('subscribed')).toEqual(['BTC/USD', 'ETH/USD']);
    expect(intake.symbolsOf('refused')).toEqual(['NO/NE']);
  });

  test('Binance acknowledges a list by its id', async () => {
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        const { id } = v.parse(binanceRequest, JSON.parse(await peer.next()));
        peer.send(JSON.stringify({ result: null, id }));
      },
      { venue: binance, symbols: ['BTCUSDT', 'ETHUSDT'] },
    );
    await until(() => source.report().phase === 'open');
    expect(intake.symbolsOf('subscribed')).toEqual(['BTCUSDT', 'ETHUSDT']);
  });
});
