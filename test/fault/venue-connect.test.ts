import { describe, expect, test } from 'bun:test';
import { plainVenue } from '../venue/plain-venue.ts';
import { stage, until } from '../venue/stage.ts';

const gaps = (times: readonly number[]): readonly number[] =>
  times.slice(1).map((time, at) => time - (times[at] ?? 0));

describe('a venue that is hard to reach', () => {
  test('never answers 101: given up at the deadline, tried again, and told why', async () => {
    const { venue, source, intake } = await stage(() => {}, {
      settings: { connectTimeoutMs: 60 },
    });
    expect(source.report().phase).toBe('connecting');
    await until(() => venue.connectedAt.length >= 3);
    expect(Math.min(...gaps(venue.connectedAt))).toBeGreaterThanOrEqual(55);
    expect(source.report().reason).toContain('not open after 60 ms');
    expect(source.report()).toMatchObject({ connects: 0, disconnects: 0, reconnects: 0 });
    expect(intake.stateWords()).toEqual(['started 0']);
  });

  test.each([429, 403, 418])('answers %d: left alone for much longer', async (status) => {
    const { venue, source } = await stage((peer) => peer.refuse(status));
    await until(() => source.report().phase === 'backing_off');
    expect(source.report().reason).toContain(String(status));
    await until(() => venue.connectedAt.length >= 2);
    // 400 ms is the first wait after such a refusal here, 10 ms the one after any other failure.
    expect(gaps(venue.connectedAt)[0]).toBeGreaterThanOrEqual(395);
  });

  test('answers 500: tried again as after any failure', async () => {
    const { venue } = await stage((peer) => peer.refuse(500));
    await until(() => venue.connectedAt.length >= 3);
    expect(gaps(venue.connectedAt)[0]).toBeLessThan(300);
  });

  test('is not there at first: found when it comes', async () => {
    let dialled = 0;
    const { source } = await stage(async (peer) => {
      dialled += 1;
      if (dialled < 4) {
        peer.cut();
        return;
      }
      await peer.accept();
      peer.send('{"d":1}');
    });
    await until(() => source.report().phase === 'open');
    expect(source.report()).toMatchObject({ connects: 1, connectionsOpen: 1 });
  });
});

describe('a venue that accepts and closes', () => {
  test('closes as soon as it has accepted: the spacing grows up to its cap', async () => {
    const { venue, source, intake } = await stage(async (peer) => {
      await peer.accept();
      peer.close(1013);
    });
    await until(() => venue.connectedAt.length >= 8);
    const spacing = gaps(venue.connectedAt);
    for (const [at, least] of [9, 19, 39, 79, 99, 99, 99].entries()) {
      expect(spacing[at]).toBeGreaterThanOrEqual(least);
    }
    expect(source.report().reason).toContain('1013');
    expect(source.report().disconnects).toBeGreaterThanOrEqual(7);
    expect(intake.stateWords().slice(0, 5)).toEqual([
      'started 0',
      'connected 1',
      'lost 1',
      'connected 2',
      'lost 2',
    ]);
  });

  test('sends data and then closes, again and again: the spacing does not grow', async () => {
    const { venue, source } = await stage(async (peer) => {
      await peer.accept();
      peer.send('{"d":1}');
      peer.close(1001);
    });
    await until(() => venue.connectedAt.length >= 8);
    expect(Math.max(...gaps(venue.connectedAt))).toBeLessThan(90);
    expect(source.report().frames).toBeGreaterThanOrEqual(7);
    expect(source.report().reconnects).toBeGreaterThanOrEqual(6);
  });
});

describe('reconnecting', () => {
  test('allows three connections a minute: the fourth waits for its turn', async () => {
    const { venue, source } = await stage(
      async (peer) => {
        await peer.accept();
        peer.send('{"d":1}');
        peer.close(1001);
      },
      { venue: plainVenue({ maxConnectsPerMinute: 3 }) },
    );
    await until(() => venue.connectedAt.length === 3);
    await until(() => source.report().phase === 'backing_off');
    await Bun.sleep(200);
    expect(venue.connectedAt.length).toBe(3);
  });

  test('lets many down at once: jitter brings them back at different times', async () => {
    const draws = [0.1, 0.9, 0.5, 0.3];
    const { venue } = await stage((peer) => peer.cut(), {
      random: () => draws.shift() ?? 0.999,
      timing: { backoff: { floorMs: 0, baseMs: 200, capMs: 200 } },
    });
    await until(() => venue.connectedAt.length >= 4);
    const [first, second, third] = gaps(venue.connectedAt);
    expect(first).toBeWithin(19, 80);
    expect(second).toBeWithin(179, 240);
    expect(third).toBeWithin(99, 160);
  });

  test('is stopped in the middle of connecting: no connection is left', async () => {
    const { venue, source } = await stage(() => {});
    await until(() => venue.peers.length === 1);
    await source.stop();
    await until(() => venue.peers[0]?.isClosed === true);
    expect(source.report()).toMatchObject({ phase: 'stopped', connectionsOpen: 0 });
  });
});
