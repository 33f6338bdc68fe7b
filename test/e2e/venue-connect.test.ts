/** Venues that are hard to reach, or hard to leave. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { BINANCE, binance, welcome } from '../venue/speech.ts';
import { idsOf, onStage, range } from './venue-stage.ts';

setDefaultTimeout(60_000);

const entry = { type: 'binance', symbols: [BINANCE], channels: ['trades'] } as const;
/** Two waits of at most 1 s and 2 s are over by then, and so is many a first one. */
const A_WHILE_MS = 4000;

test.concurrent('never answers 101: given up at the deadline, told, and tried again', () =>
  onStage(
    { ...entry, connect_timeout_ms: 300 },
    () => {},
    async ({ run, venue, seen, health, spacing, metric }) => {
      await seen(() => venue.connectedAt.length >= 4);
      expect(Math.min(...spacing())).toBeGreaterThanOrEqual(295);
      expect(await health()).toEqual({ status: 'degraded', reason: 'not open after 300 ms' });
      expect((await run.get('/health/ready')).status).toBe(503);
      expect(await metric('mdp_source_up{source="binance"}')).toBe(0);
      expect(await metric('mdp_source_disconnects_total{source="binance"}')).toBe(0);
      expect(await run.stop()).toBe(0);
    },
  ),
);

test.concurrent.each([429, 403])('answers %d: left alone for a quarter of a minute', (status) =>
  onStage(
    entry,
    (peer) => peer.refuse(status),
    async ({ run, venue, seen, health, metric }) => {
      const { reason } = await seen(({ phase }) => phase === 'backing_off');
      expect(reason).toContain(String(status));
      expect((await health()).status).toBe('degraded');
      await Bun.sleep(A_WHILE_MS);
      expect(venue.connectedAt.length).toBe(1);
      expect(await metric('mdp_frames_total{outcome="received"}')).toBe(0);
      expect(await run.stop()).toBe(0);
    },
  ),
);

test.concurrent('answers 500: tried again within seconds', () =>
  onStage(
    entry,
    (peer) => peer.refuse(500),
    async ({ run, venue, seen, spacing }) => {
      const { reason } = await seen(() => venue.connectedAt.length >= 3);
      expect(reason).toContain('500');
      expect(Math.max(...spacing())).toBeLessThan(10_000);
      expect(await run.stop()).toBe(0);
    },
  ),
);

test.concurrent('closes again and again: no trade twice, none missing, and no storm', () => {
  let id = 0;
  return onStage(
    entry,
    async (peer) => {
      await welcome(peer, binance.acknowledge);
      for (let sent = 0; sent < 5; sent += 1) peer.send(binance.trade((id += 1)));
      setTimeout(() => peer.close(1001), 100);
    },
    async ({ venue, seen, metric, source, tables }) => {
      await seen(({ reconnects }) => reconnects >= 4);
      const { disconnects, reconnects, reason } = await source();
      expect(disconnects).toBeGreaterThanOrEqual(reconnects);
      expect(reason ?? '1001').toContain('1001');
      expect(await metric('mdp_source_reconnects_total{source="binance"}')).toBeGreaterThan(3);
      const connected = venue.connectedAt.length;
      const { trades, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, trades.length));
      expect(connected).toBeLessThan(60);
      expect(gaps).toEqual([]);
    },
  );
});

test.concurrent('never sends its close frame: cut after two seconds, nothing left behind', () =>
  onStage(
    entry,
    async (peer) => {
      peer.polite = false;
      await welcome(peer, binance.acknowledge);
      for (const id of range(1, 50)) peer.send(binance.trade(id));
    },
    async ({ decoded, tables }) => {
      await decoded('trade', 50);
      const began = performance.now();
      const { trades } = await tables(BINANCE);
      expect(performance.now() - began).toBeWithin(1900, 30_000);
      expect(idsOf(trades)).toEqual(range(1, 50));
    },
  ),
);

test.concurrent('two connections, one dying: no gap, no trade twice, and it comes back', () => {
  let id = 0;
  const peers = new Set<{ send(text: string): void; isClosed: boolean }>();
  return onStage(
    { ...entry, connections: 2, mute_after_ms: 0 },
    async (peer, number) => {
      await welcome(peer, binance.acknowledge);
      peers.add(peer);
      if (number > 0) return;
      setTimeout(() => peer.cut(), 1500);
    },
    async ({ seen, taken, source, tables }) => {
      await seen(({ connections_open: open }) => open === 2);
      const market = setInterval(() => {
        const frame = binance.trade((id += 1));
        for (const peer of peers) peer.send(frame);
      }, 5);
      await seen(({ reconnects }) => reconnects >= 1);
      await seen(({ connections_open: open }) => open === 2);
      clearInterval(market);
      await taken(id);
      expect(await source()).toMatchObject({ phase: 'open', disconnects: 1, mutes: 0 });
      const { trades, gaps } = await tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, id));
      expect(gaps).toEqual([]);
    },
  );
});

test.concurrent('closes with a silent market behind it: the wait grows', () =>
  onStage(
    entry,
    async (peer) => {
      await peer.accept();
      peer.close(1013);
    },
    async ({ run, venue, seen, health, metric }) => {
      await seen(({ disconnects }) => disconnects >= 3);
      expect((await health()).reason).toContain('1013');
      expect(await metric('mdp_source_disconnects_total{source="binance"}')).toBeGreaterThan(2);
      await Bun.sleep(A_WHILE_MS);
      expect(venue.connectedAt.length).toBeLessThan(16);
      expect(await run.stop()).toBe(0);
    },
  ),
);
