/** Venues that are connected and say nothing, or not all that they should. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Peer } from '../venue/scripted-venue.ts';
import * as say from '../venue/speech.ts';
import { every, welcome } from '../venue/speech.ts';
import { idsOf, onStage, range } from './venue-stage.ts';

setDefaultTimeout(60_000);

const MUTE = { mute_after_ms: 500 } as const;
const binance = { type: 'binance', symbols: [say.BINANCE], ...MUTE } as const;
const coinbase = { type: 'coinbase', symbols: [say.COINBASE], ...MUTE } as const;
const QUIET = { mute_after_ms: 1500 } as const;
const mutes = (venue: string): string => `mdp_source_mute_total{source="${venue}"}`;

describe('a venue that says nothing', () => {
  test.concurrent('accepts and is silent: replaced, and borne twice as long each time', () =>
    onStage(
      binance,
      (peer) => peer.accept(),
      async ({ run, venue, seen, health, spacing, metric }) => {
        await seen(() => venue.connectedAt.length >= 4);
        const [first, second, third] = spacing();
        expect(first).toBeGreaterThanOrEqual(490);
        expect(second).toBeGreaterThanOrEqual(990);
        expect(third).toBeGreaterThanOrEqual(1990);
        expect(await health()).toEqual({
          status: 'degraded',
          reason: 'connected, but no data for 2000 ms',
        });
        expect(await metric(mutes('binance'))).toBeGreaterThanOrEqual(3);
        expect(await metric('mdp_source_up{source="binance"}')).toBe(0);
        expect(await run.stop()).toBe(0);
      },
    ),
  );

  test.concurrent('acknowledges and is mute: no symbol is confirmed by it', () =>
    onStage(
      binance,
      (peer) => welcome(peer, say.binance.acknowledge),
      async ({ run, seen, metric }) => {
        const { phase, symbols } = await seen(({ mutes: times }) => times >= 2);
        expect(phase).toBe('mute');
        expect(symbols.map(({ state }) => state)).not.toContain('subscribed');
        expect(await metric('mdp_rows_total{kind="trade",outcome="decoded"}')).toBe(0);
        expect(await run.stop()).toBe(0);
      },
    ),
  );

  test.concurrent('sends heartbeats only: they are no data', () =>
    onStage(
      { type: 'kraken', symbols: [say.KRAKEN], ...MUTE },
      async (peer) => {
        await welcome(peer, say.kraken.acknowledge);
        every(50, peer, () => peer.send(say.kraken.heartbeat));
      },
      async ({ run, seen, metric }) => {
        const { phase } = await seen(({ mutes: times }) => times >= 2);
        expect(phase).toBe('mute');
        expect(await metric('mdp_frames_total{outcome="control"}')).toBeGreaterThan(10);
        expect(await metric(mutes('kraken'))).toBeGreaterThanOrEqual(2);
        expect(await run.stop()).toBe(0);
      },
    ),
  );
});

describe('a venue of which a channel is mute', () => {
  test.concurrent('sends quotes and no trades: replaced until trades come too', () => {
    let [quote, trade] = [0, 0];
    return onStage(
      binance,
      async (peer, number) => {
        await welcome(peer, say.binance.acknowledge);
        every(20, peer, () => {
          peer.send(say.binance.quote((quote += 1)));
          if (number >= 2) peer.send(say.binance.trade((trade += 1)));
        });
      },
      async ({ seen, health, spacing, metric, tables }) => {
        await seen(({ phase }) => phase === 'mute');
        expect(await health()).toEqual({
          status: 'degraded',
          reason: 'connected, but no trades for 500 ms',
        });
        await seen(({ phase, connects }) => phase === 'open' && connects >= 3);
        expect(await metric(mutes('binance'))).toBeGreaterThanOrEqual(2);
        expect(spacing()[0]).toBeGreaterThanOrEqual(490);
        expect(spacing()[1]).toBeGreaterThanOrEqual(990);
        const { trades, quotes } = await tables(say.BINANCE);
        expect(trades.length).toBeGreaterThan(0);
        expect(quotes.length).toBeGreaterThan(50);
      },
    );
  });

  test.concurrent('sends trades and no quotes: replaced, and no trade is missed', () => {
    let trade = 0;
    const peers: Peer[] = [];
    return onStage(
      binance,
      async (peer) => {
        await welcome(peer, say.binance.acknowledge);
        peers.push(peer);
        every(20, peer, () => {
          if (peer !== peers.find(({ isClosed }) => !isClosed)) return;
          const frame = say.binance.trade((trade += 1));
          for (const each of peers) each.send(frame);
        });
      },
      async ({ seen, health, tables }) => {
        await seen(({ mutes: times }) => times >= 2);
        expect((await health()).reason).toContain('no quotes for');
        const { trades, gaps } = await tables(say.BINANCE);
        expect(idsOf(trades)).toEqual([...range(1, trades.length)]);
        expect(gaps).toEqual([]);
      },
    );
  });

  test.concurrent('is not asked for quotes: it owes none', () => {
    let trade = 0;
    return onStage(
      { ...binance, ...QUIET, channels: ['trades'] },
      async (peer) => {
        await welcome(peer, say.binance.acknowledge);
        every(20, peer, () => peer.send(say.binance.trade((trade += 1))));
      },
      async ({ venue, decoded, source }) => {
        await decoded('trade', 150);
        expect(await source()).toMatchObject({ phase: 'open', mutes: 0 });
        expect(venue.connectedAt.length).toBe(1);
      },
    );
  });
});

describe('a venue whose heartbeats name the last trade', () => {
  test.concurrent('names the one that came: a quiet market, however long', () =>
    onStage(
      { ...coinbase, ...QUIET },
      async (peer) => {
        await welcome(peer, say.coinbase.acknowledge);
        peer.send(say.coinbase.match(7));
        peer.send(say.coinbase.ticker(7));
        every(50, peer, () => peer.send(say.coinbase.heartbeat(7)));
      },
      async ({ venue, seen, health, tables }) => {
        await seen(({ frames }) => frames > 60);
        expect(venue.connectedAt.length).toBe(1);
        expect((await health()).status).toBe('healthy');
        expect(await seen(() => true)).toMatchObject({ phase: 'open', mutes: 0, disconnects: 0 });
        expect(idsOf((await tables(say.COINBASE)).trades)).toEqual([7]);
      },
    ),
  );

  test.concurrent('names one that never came, while tickers flow: the matches are lost', () => {
    let [id, latest] = [7, 0];
    return onStage(
      coinbase,
      async (peer, number) => {
        latest = number;
        await welcome(peer, say.coinbase.acknowledge);
        peer.send(say.coinbase.match(id));
        every(50, peer, () => {
          if (number !== latest) return;
          id += 1;
          peer.send(say.coinbase.ticker(id));
          if (number > 0) peer.send(say.coinbase.match(id));
          peer.send(say.coinbase.heartbeat(id));
        });
      },
      async ({ seen, health, decoded, metric, tables }) => {
        await seen(({ phase }) => phase === 'mute');
        const { status, reason } = await health();
        expect(status).toBe('degraded');
        expect(reason).toContain('the heartbeat named trade 8 of BTC-USD');
        expect(reason).toContain('trades after 500 ms');
        await seen(({ phase, connects }) => phase === 'open' && connects >= 2);
        await decoded('trade', 10);
        expect(await metric(mutes('coinbase'))).toBeGreaterThanOrEqual(1);
        const { trades, gaps } = await tables(say.COINBASE);
        const [, second = 0] = idsOf(trades);
        const hole = { from_id: '8', to_id: `${second - 1}`, missing: second - 8 };
        expect(gaps[0]).toMatchObject({ ...hole, reason: 'reconnect' });
      },
    );
  });

  test.concurrent('names one and sends nothing at all: mute', () =>
    onStage(
      coinbase,
      async (peer) => {
        await welcome(peer, say.coinbase.acknowledge);
        every(50, peer, () => peer.send(say.coinbase.heartbeat(7)));
      },
      async ({ seen, spacing }) => {
        const { reason } = await seen(({ mutes: times }) => times >= 3);
        expect(reason).toContain('the heartbeat named trade 7 of BTC-USD');
        expect(spacing()[1]).toBeGreaterThanOrEqual(990);
      },
    ),
  );
});
