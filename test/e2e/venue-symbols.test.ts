/** What of a list of symbols a venue takes, and how long lists are spread over connections. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Peer } from '../venue/scripted-venue.ts';
import { binance, coinbase, kraken, welcome } from '../venue/speech.ts';
import { onStage, range, type SourceStatus } from './venue-stage.ts';

setDefaultTimeout(60_000);

const inState = ({ symbols }: SourceStatus, wanted: string): readonly string[] =>
  symbols.filter(({ state }) => state === wanted).map(({ symbol }) => symbol);

describe('a venue that refuses one symbol of fifty', () => {
  const bad = 'P17-USD';
  const products = range(0, 49).map((n) => `P${n}-USD`);

  test.concurrent('takes nothing of such a list (Coinbase): halved until it stands alone', () =>
    onStage(
      { type: 'coinbase', symbols: products },
      async (peer) => {
        await welcome(peer, (each) => coinbase.acknowledge(each, [bad]));
        for (const symbol of products) peer.send(coinbase.match(1, { symbol }));
      },
      async ({ venue, seen, decoded, health, tables }) => {
        const source = await seen(
          (status) =>
            inState(status, 'subscribed').length === 49 && inState(status, 'pending').length === 0,
        );
        expect(inState(source, 'refused')).toEqual([bad]);
        expect(source.symbols[17]?.reason).toContain('not a valid product');
        expect(await health()).toEqual({
          status: 'degraded',
          reason: `the venue refused ${bad}`,
        });
        expect(venue.connectedAt.length).toBe(1);
        expect(venue.peers[0]?.texts.length).toBeLessThanOrEqual(13);
        await decoded('trade', 50);
        expect((await tables('P16-USD')).trades.length).toBe(1);
      },
    ),
  );

  test.concurrent('answers for each by name (Kraken): the others are not asked for again', () => {
    const pairs = range(0, 49).map((n) => `P${n}/USD`);
    return onStage(
      { type: 'kraken', symbols: pairs },
      async (peer) => {
        await welcome(peer, (each) => kraken.acknowledge(each, ['P17/USD']));
        for (const symbol of pairs) peer.send(kraken.trade(1, { symbol }));
      },
      async ({ venue, seen, decoded, health, tables }) => {
        const source = await seen((status) => inState(status, 'subscribed').length === 49);
        expect(inState(source, 'refused')).toEqual(['P17/USD']);
        expect((await health()).reason).toBe('the venue refused P17/USD');
        expect(venue.peers[0]?.texts.length).toBe(2);
        await decoded('trade', 50);
        expect((await tables('P16/USD')).trades.length).toBe(1);
      },
    );
  });
});

test.concurrent('acknowledges a name that does not exist: unconfirmed, the others are not', () =>
  onStage(
    { type: 'binance', symbols: ['BTCUSDT', 'BTCUSTD', 'ETHUSDT'], channels: ['trades'] },
    async (peer) => {
      await welcome(peer, binance.acknowledge);
      peer.send(binance.trade(1, { symbol: 'BTCUSDT' }));
      peer.send(binance.trade(1, { symbol: 'ETHUSDT' }));
    },
    async ({ seen, metric, tables }) => {
      const source = await seen((status) => inState(status, 'subscribed').length === 2);
      expect(inState(source, 'unconfirmed')).toEqual(['BTCUSTD']);
      expect(source.symbols[1]).toMatchObject({ symbol: 'BTCUSTD', last_heard_at: null });
      expect(source.symbols[1]?.reason).toContain('no data');
      const heard = Date.parse(source.symbols[0]?.last_heard_at ?? '');
      expect(Date.now() - heard).toBeWithin(-1000, 60_000);
      const unconfirmed = 'mdp_source_symbols{source="binance",state="unconfirmed"}';
      expect(await metric(unconfirmed)).toBe(1);
      expect((await tables('ETHUSDT')).trades.length).toBe(1);
    },
  ),
);

describe('more symbols than a connection takes', () => {
  /** Which symbols each connection asked for. */
  const spreadOver = (peers: readonly Peer[], symbolsIn: (frame: string) => readonly string[]) =>
    peers.map(({ texts }) => new Set(texts.flatMap(symbolsIn)).size).toSorted((a, b) => a - b);

  test.concurrent('250 of Kraken: two connections, at most 200 each, all of them heard', () => {
    const pairs = range(1, 250).map((n) => `P${n}/USD`);
    const at = Date.now();
    return onStage(
      { type: 'kraken', symbols: pairs },
      async (peer) => {
        await welcome(peer, kraken.acknowledge);
        // Every symbol on every connection: the second copies are duplicates.
        for (const symbol of pairs) peer.send(kraken.trade(1, { symbol, at }));
      },
      async ({ venue, seen, decoded, metric }) => {
        await seen((status) => inState(status, 'subscribed').length === 250);
        expect(spreadOver(venue.peers, (text) => text.match(/P\d+\/USD/g) ?? [])).toEqual([
          50, 200,
        ]);
        await decoded('trade', 500);
        expect(await metric('mdp_rows_total{kind="trade",outcome="duplicates"}')).toBe(250);
      },
    );
  });

  test.concurrent('1,100 of Binance: three connections, at most 1,024 streams each', () => {
    const symbols = range(1, 1100).map((n) => `P${n}USDT`);
    return onStage(
      { type: 'binance', symbols },
      (peer) => welcome(peer, binance.acknowledge),
      async ({ venue, seen, source }) => {
        await seen(({ phase, connections_open: open }) => phase === 'open' && open === 3);
        const streams = (text: string) => text.match(/p\d+usdt@\w+/g) ?? [];
        expect(spreadOver(venue.peers, streams)).toEqual([152, 1024, 1024]);
        expect(inState(await source(), 'unconfirmed').length).toBe(1100);
        for (const { textsAt } of venue.peers) {
          for (const [at, sent] of textsAt.slice(5).entries()) {
            expect(sent - (textsAt[at] ?? 0)).toBeGreaterThan(1000);
          }
        }
      },
    );
  });
});
