import { describe, expect, test } from 'bun:test';
import { answerAll } from '../venue/plain-venue.ts';
import { stage, until } from '../venue/stage.ts';

/**
 * More than a socket's buffers hold, so that a client which does not read is felt by the sender.
 */
const FLOOD = 60_000;
const frame = (number: number): string => `{"d":${number},"pad":"${'x'.repeat(200)}"}`;

describe('an intake that is full', () => {
  test('stops the reading, pongs on, and reads on where it stopped: no loss', async () => {
    const { venue, source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        for (let number = 0; number < FLOOD; number += 1) peer.send(frame(number));
      },
      { settings: { muteAfterMs: 100 } },
    );
    await until(() => intake.frames.length > 100);
    intake.full = true;
    await until(() => (venue.peers[0]?.pongs ?? 0) >= 5);
    const whilePaused = intake.frames.length;
    expect(whilePaused).toBeLessThan(FLOOD / 2);
    await Bun.sleep(150);
    expect(intake.frames.length).toBe(whilePaused);
    intake.makeRoom();
    await until(() => intake.frames.length === FLOOD);
    expect(intake.frames.every(({ text }, number) => text === frame(number))).toBe(true);
    expect(source.report().pausedSeconds).toBeGreaterThan(0.1);
    expect(source.report()).toMatchObject({ mutes: 0, disconnects: 0 });
  }, 15_000);

  test('stays full: the pause ends after its limit all the same, and begins again', async () => {
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        for (let number = 0; number < FLOOD; number += 1) peer.send(frame(number));
      },
      { timing: { pauseMs: 50 } },
    );
    intake.full = true;
    await until(() => intake.frames.length > 0);
    const first = intake.frames.length;
    await until(() => intake.frames.length > first);
    expect(intake.frames.length).toBeLessThan(FLOOD);
    expect(source.report().connectionsOpen).toBe(1);
  });

  test('is full when the source is stopped: it stops in order, and soon', async () => {
    const { venue, source, intake } = await stage(async (peer) => {
      await peer.accept();
      for (let number = 0; number < FLOOD; number += 1) peer.send(frame(number));
    });
    intake.full = true;
    await until(() => intake.frames.length > 0);
    const began = performance.now();
    await source.stop();
    expect(performance.now() - began).toBeLessThan(1000);
    const heard = intake.order.length;
    intake.makeRoom();
    await until(() => venue.peers[0]?.isClosed === true);
    expect(intake.order.length).toBe(heard);
    expect(intake.stateWords().slice(-2)).toEqual(['lost 1', 'ended 0']);
  });
});

describe('stopping', () => {
  test('closes with a close frame, tells its end, and is silent afterwards', async () => {
    const { venue, source, intake } = await stage(async (peer) => {
      await peer.accept();
      answerAll(peer);
      peer.send('{"d":1}');
    });
    await until(() => intake.frames.length >= 2);
    await Promise.all([source.stop(), source.stop()]);
    expect(venue.peers[0]?.closeCode).toBeDefined();
    expect(intake.stateWords()).toEqual([
      'started 0',
      'connected 1',
      'subscribed 1',
      'lost 1',
      'ended 0',
    ]);
    expect(source.report()).toMatchObject({ phase: 'stopped', connectionsOpen: 0, disconnects: 0 });
    await Bun.sleep(50);
    expect(venue.connectedAt.length).toBe(1);
  });

  test('cuts a venue that does not answer the close frame', async () => {
    const { venue, source } = await stage(async (peer) => {
      peer.polite = false;
      await peer.accept();
      peer.send('{"d":1}');
    });
    await until(() => source.report().phase === 'open');
    const began = performance.now();
    await source.stop();
    expect(performance.now() - began).toBeWithin(190, 1000);
    await until(() => venue.peers[0]?.isClosed === true);
  });
});
