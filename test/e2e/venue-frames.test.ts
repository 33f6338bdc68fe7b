/** Venues that send what they should not: the frame is the loss, never the feed or the process. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { BINANCE, binance, welcome } from '../venue/speech.ts';
import type { Peer } from '../venue/scripted-venue.ts';
import { frameHead } from '../venue/wire.ts';
import { idsOf, onStage, range, type OnStage } from './venue-stage.ts';

setDefaultTimeout(60_000);

const MIB = 1024 * 1024;
const entry = { type: 'binance', symbols: [BINANCE], channels: ['trades'] } as const;

const say = (peer: Peer, first: number, last: number): void => {
  for (let id = first; id <= last; id += 1) peer.send(binance.trade(id));
};

/** Trades 1 to 10, what `disturb` does on the first connection, and trades 11 to 20 on the next. */
const disturbed =
  (disturb: (peer: Peer) => Promise<void> | void) =>
  async (peer: Peer, number: number): Promise<void> => {
    await welcome(peer, binance.acknowledge);
    if (number > 0) {
      say(peer, 11, 20);
      return;
    }
    say(peer, 1, 10);
    await disturb(peer);
  };

/** Both halves came, over two connections. */
const reconnected = async ({ decoded, source }: OnStage): Promise<void> => {
  await decoded('trade', 20);
  expect(await source()).toMatchObject({ connects: 2, disconnects: 1, reconnects: 1 });
};

test.concurrent('closes in the middle of a frame: what was whole is kept', () =>
  onStage(
    entry,
    disturbed((peer) => {
      peer.raw(Buffer.concat([frameHead(0x1, 1000), Buffer.from('{"stream":"btcusdt@tr')]));
      setTimeout(() => peer.cut(), 50);
    }),
    async (stage) => {
      await reconnected(stage);
      expect(await stage.metric('mdp_frames_total{outcome="undecodable"}')).toBe(0);
      const { trades, gaps } = await stage.tables(BINANCE);
      expect(idsOf(trades)).toEqual(range(1, 20));
      expect(gaps).toEqual([]);
    },
  ),
);

/** Trade 11 is inside the frame that is given up: the hole is known, and why. */
const oversized = async (stage: OnStage, lastId: number): Promise<void> => {
  await stage.decoded('trade', 10 + lastId - 11);
  expect(await stage.source()).toMatchObject({ oversized_frames: 1, disconnects: 1 });
  expect(await stage.metric('mdp_dropped_total{reason="oversized"}')).toBe(1);
  expect(await stage.metric('mdp_frames_total{outcome="dropped"}')).toBe(1);
  const { entries, status } = await stage.run.health();
  expect(status).not.toBe('healthy');
  expect(entries.find(({ kind }) => kind === 'data')?.status).not.toBe('healthy');
  const { trades, gaps } = await stage.tables(BINANCE);
  expect(idsOf(trades)).toEqual([...range(1, 10), ...range(12, lastId)]);
  expect(gaps).toMatchObject([{ from_id: '11', to_id: '11', missing: 1, reason: 'dropped' }]);
};

test.concurrent('sends a frame of 2 MiB: received, dropped, and a gap with its reason', () =>
  onStage(
    entry,
    async (peer, number) => {
      await welcome(peer, binance.acknowledge);
      say(peer, number === 0 ? 1 : 12, number === 0 ? 10 : 20);
      if (number === 0) peer.send(binance.trade(11, { price: '6'.repeat(2 * MIB) }));
    },
    (stage) => oversized(stage, 20),
  ),
);

test.concurrent('sends a frame of 200 MB: given up, and the process lives', () =>
  onStage(
    entry,
    async (peer, number) => {
      await welcome(peer, binance.acknowledge);
      say(peer, number === 0 ? 1 : 12, number === 0 ? 10 : 20);
      if (number > 0) return;
      const block = Buffer.alloc(MIB, 0x20);
      peer.raw(frameHead(0x1, 200 * MIB));
      for (let sent = 0; sent < 200 && !peer.isClosed; sent += 1) {
        if (!peer.raw(block)) await Bun.sleep(1);
      }
    },
    (stage) => oversized(stage, 20),
  ),
);

test.concurrent('sends an empty frame: counted, and not trusted any further', () =>
  onStage(
    entry,
    disturbed((peer) => peer.send('')),
    async (stage) => {
      await reconnected(stage);
      const empty = 'mdp_source_decode_errors_total{source="binance",reason="empty"}';
      expect(await stage.metric(empty)).toBe(1);
      expect((await stage.source()).empty_frames).toBe(1);
      expect(idsOf((await stage.tables(BINANCE)).trades)).toEqual(range(1, 20));
    },
  ),
);

test.concurrent('sends binary frames: their text is taken, their noise is counted', () =>
  onStage(
    entry,
    async (peer) => {
      await welcome(peer, binance.acknowledge);
      for (const id of range(1, 20)) {
        peer.sendBinary(Buffer.from(binance.trade(id)));
        peer.sendBinary(Buffer.from([0xff, 0xfe, 0x00, id]));
      }
    },
    async ({ decoded, venue, metric, tables }) => {
      await decoded('trade', 20);
      expect(await metric('mdp_frames_total{outcome="undecodable"}')).toBeWithin(19, 21);
      expect(venue.connectedAt.length).toBe(1);
      expect(idsOf((await tables(BINANCE)).trades)).toEqual(range(1, 20));
    },
  ),
);

const nonsense: Readonly<Record<string, { frame: string; reason: string }>> = {
  'garbage JSON': { frame: '{"stream":"btcusdt@trade","data":{"e":"tr', reason: 'not_json' },
  'JSON half a million levels deep': {
    frame: `${'['.repeat(500_000)}${']'.repeat(500_000)}`,
    reason: 'not_object',
  },
  'JSON that is no object': { frame: '[1,2,3]', reason: 'not_object' },
  'an event of tomorrow': {
    frame: '{"stream":"btcusdt@trade","data":{"e":"novelty"}}',
    reason: 'unknown_type',
  },
};

for (const [name, { frame, reason }] of Object.entries(nonsense)) {
  test.concurrent(`sends ${name}: counted by its reason, kept as a sample, and no more`, () =>
    onStage(
      entry,
      async (peer) => {
        await welcome(peer, binance.acknowledge);
        for (const id of range(1, 20)) {
          peer.send(binance.trade(id));
          if (id % 2 === 0) peer.send(frame);
        }
      },
      async ({ decoded, venue, metric, tables }) => {
        await decoded('trade', 20);
        const counter = `mdp_source_decode_errors_total{source="binance",reason="${reason}"}`;
        expect(await metric(counter)).toBeWithin(9, 11);
        expect(await metric('mdp_rows_total{kind="dead_letter",outcome="decoded"}')).toBeWithin(
          1,
          11,
        );
        expect(venue.connectedAt.length).toBe(1);
        const { trades, gaps } = await tables(BINANCE);
        expect(idsOf(trades)).toEqual(range(1, 20));
        expect(gaps).toEqual([]);
      },
    ),
  );
}
