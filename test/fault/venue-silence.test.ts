import { describe, expect, test } from 'bun:test';
import { answerAll } from '../venue/plain-venue.ts';
import type { Peer } from '../venue/scripted-venue.ts';
import { stage, until } from '../venue/stage.ts';

const every = (ms: number, peer: Peer, send: () => void): void => {
  const timer = setInterval(() => (peer.isClosed ? clearInterval(timer) : send()), ms);
};

const muteSpans = (times: readonly number[]): readonly number[] =>
  times.slice(1).map((time, at) => time - (times[at] ?? 0));

describe('a venue that falls silent', () => {
  test('accepts and says nothing: mute, replaced, and given twice as long each time', async () => {
    const { venue, source, intake } = await stage(async (peer) => peer.accept(), {
      settings: { muteAfterMs: 60 },
    });
    await until(() => venue.connectedAt.length >= 4);
    const spans = muteSpans(venue.connectedAt);
    expect(spans[0]).toBeGreaterThanOrEqual(55);
    expect(spans[1]).toBeGreaterThanOrEqual(115);
    expect(spans[2]).toBeGreaterThanOrEqual(235);
    expect(source.report()).toMatchObject({ phase: 'mute', mutes: 3, disconnects: 3 });
    expect(source.report().reason).toContain('no data for 240 ms');
    expect(intake.stateWords().slice(0, 5)).toEqual([
      'started 0',
      'connected 1',
      'mute 1',
      'lost 1',
      'connected 2',
    ]);
  });

  test('is mute no longer than the cap says, however often', async () => {
    const { venue } = await stage(async (peer) => peer.accept(), {
      settings: { muteAfterMs: 40 },
      timing: { muteCapMs: 80, backoff: { floorMs: 0, baseMs: 1, capMs: 1 } },
    });
    await until(() => venue.connectedAt.length >= 6);
    expect(Math.max(...muteSpans(venue.connectedAt))).toBeLessThan(200);
  });

  test('acknowledges and sends heartbeats only: they are no data', async () => {
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        answerAll(peer);
        every(5, peer, () => peer.send('{"hb":1}'));
      },
      { settings: { muteAfterMs: 100 } },
    );
    await until(() => source.report().phase === 'open');
    await until(() => source.report().mutes >= 2);
    expect(source.report().phase).toBe('mute');
    expect(intake.frames.length).toBeGreaterThan(10);
    expect(intake.symbolsOf('subscribed').slice(0, 2)).toEqual(['A', 'B']);
  });

  test('is mute once and then sends again: open, and as patient as at first', async () => {
    const { venue, source } = await stage(
      async (peer, number) => {
        await peer.accept();
        if (number === 2) peer.send('{"d":1}');
      },
      { settings: { muteAfterMs: 60 } },
    );
    await until(() => venue.connectedAt.length >= 3);
    await until(() => source.report().phase === 'open');
    expect(source.report().reason).toBeUndefined();
    await until(() => venue.connectedAt.length >= 5);
    const spans = muteSpans(venue.connectedAt);
    expect(spans[2]).toBeLessThan(130);
  });
});

describe('a channel that is mute while the other one flows', () => {
  const both = { channels: ['trades', 'quotes'], settings: { muteAfterMs: 100 } } as const;

  test('is brought by a new connection before the old one goes: no hole in the other', async () => {
    let number = 0;
    const { venue, source, intake } = await stage(async (peer, dial) => {
      await peer.accept();
      answerAll(peer);
      every(2, peer, () => {
        if (dial === 0) number += 1;
        peer.send(`{"q":${number}}`);
        if (dial > 0) peer.send('{"d":1}');
      });
    }, both);
    await until(() => source.report().phase === 'mute');
    expect(source.report().reason).toBe('connected, but no trades for 100 ms');
    await until(() => intake.stateWords().includes('lost 1'));
    const words = intake.order.slice(0, intake.order.indexOf('lost 1'));
    expect(words.lastIndexOf('frame 1')).toBeGreaterThan(words.indexOf('frame 2'));
    expect(words.filter((word) => word === 'mute 1')).toHaveLength(1);
    expect(venue.connectedAt.length).toBe(2);
    expect(source.report()).toMatchObject({
      phase: 'open',
      reason: undefined,
      mutes: 1,
      disconnects: 0,
      reconnects: 0,
    });
  });

  test('stays mute: replaced again, borne twice as long each time, and told', async () => {
    const { venue, source, intake } = await stage(async (peer) => {
      await peer.accept();
      answerAll(peer);
      every(2, peer, () => peer.send('{"d":1}'));
    }, both);
    await until(() => venue.connectedAt.length >= 4);
    const spans = muteSpans(venue.connectedAt);
    expect(spans[1]).toBeGreaterThanOrEqual(195);
    expect(spans[2]).toBeGreaterThanOrEqual(395);
    expect(source.report()).toMatchObject({ phase: 'mute', mutes: 3, disconnects: 0 });
    expect(source.report().connectionsOpen).toBeLessThanOrEqual(2);
    // The trades are heard throughout.
    expect(intake.stateWords().filter((word) => word.startsWith('mute'))).toEqual([]);
  });
});

describe('a silence that is no mute feed', () => {
  test('has a quiet market: with 0 it is never mute, and ticks know the pongs', async () => {
    const { venue, source, intake } = await stage(async (peer) => {
      await peer.accept();
      answerAll(peer);
      peer.send('{"d":1}');
    });
    await until(() => (venue.peers[0]?.pings ?? 0) >= 5 && intake.ticks.length >= 20);
    expect(source.report()).toMatchObject({ phase: 'open', mutes: 0, reconnects: 0 });
    const last = intake.ticks.at(-1);
    const frame = intake.frames.at(-1);
    expect(Number(last?.arrival)).toBeGreaterThan(Number(frame?.receiveTime));
    expect(Number(last?.arrival)).toBeLessThanOrEqual(Number(last?.receiveTime));
  });

  test('is gone without a word: no pong comes, and it is replaced', async () => {
    const { venue, source } = await stage(
      async (peer) => {
        peer.polite = false;
        await peer.accept();
        peer.send('{"d":1}');
      },
      { timing: { deadMs: 100 } },
    );
    await until(() => venue.connectedAt.length >= 2);
    expect(venue.peers[0]?.pings).toBeGreaterThanOrEqual(2);
    await until(() => source.report().frames >= 2);
    expect(source.report().mutes).toBe(0);
    expect(source.report().disconnects).toBeGreaterThanOrEqual(1);
  });

  test('keeps sending while our process is stalled: that is no silence of the venue', async () => {
    const { venue, source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        peer.send('{"d":0}');
        every(5, peer, () => peer.send('{"d":1}'));
      },
      { settings: { muteAfterMs: 100 }, timing: { deadMs: 100 } },
    );
    await until(() => intake.frames.length >= 5);
    const end = performance.now() + 400;
    while (performance.now() < end) {
      // Nothing runs meanwhile: no timer, no socket.
    }
    const before = intake.frames.length;
    await until(() => intake.frames.length > before + 10);
    expect(venue.connectedAt.length).toBe(1);
    expect(source.report()).toMatchObject({ mutes: 0, disconnects: 0 });
  });
});

test('is pinged once a second while no frame comes, pongs or not', async () => {
  const { venue, intake } = await stage(
    async (peer) => {
      await peer.accept();
      peer.send('{"d":1}');
    },
    { timing: { tickMs: 10, pingMs: 40 } },
  );
  await until(() => intake.frames.length === 1);
  const [from, pings] = [intake.ticks.length, venue.peers[0]?.pings ?? 0];
  await until(() => intake.ticks.length >= from + 40);
  expect((venue.peers[0]?.pings ?? 0) - pings).toBeWithin(9, 12);
});
