import { describe, expect, test } from 'bun:test';
import { answerAll, dataOf, plainVenue, readRequest } from '../venue/plain-venue.ts';
import type { Peer, Script } from '../venue/scripted-venue.ts';
import { stage, until } from '../venue/stage.ts';

/**
 * One running number for all connections: what is sent goes to whoever is connected and subscribed.
 */
const broadcast = (): { script: Script; sent: () => number; stop: () => void } => {
  const peers = new Set<Peer>();
  let number = 0;
  const timer = setInterval(() => {
    number += 1;
    for (const peer of peers) peer.send(`{"d":${number}}`);
  }, 1);
  return {
    script: async (peer) => {
      await peer.accept();
      const { id } = readRequest(await peer.next());
      peer.send(JSON.stringify({ ack: id }));
      peers.add(peer);
    },
    sent: () => number,
    stop: () => clearInterval(timer),
  };
};

const numbers = (frames: readonly { readonly text: string }[]): ReadonlySet<number> =>
  new Set(frames.flatMap(({ text }) => dataOf(text) ?? []));

const holes = (seen: ReadonlySet<number>): number => {
  const [least, most] = [Math.min(...seen), Math.max(...seen)];
  return most - least + 1 - seen.size;
};

describe('renewal before the greatest age', () => {
  test('brings the new connection first: no frame is missing, no disconnect', async () => {
    const feed = broadcast();
    const { venue, source, intake } = await stage(feed.script, {
      venue: plainVenue({ maxConnectionAgeMs: 200 }),
    });
    await until(() => venue.connectedAt.length >= 5);
    await source.stop();
    feed.stop();
    expect(holes(numbers(intake.frames))).toBe(0);
    expect(source.report()).toMatchObject({ disconnects: 0, reconnects: 0 });
    const words = intake.stateWords();
    expect(words.indexOf('connected 2')).toBeLessThan(words.indexOf('lost 1'));
    expect(words.indexOf('subscribed 2')).toBeLessThan(words.indexOf('lost 1'));
  });

  test('waits for what lies unread in a paused connection: no frame is missing', async () => {
    const feed = broadcast();
    const { venue, source, intake } = await stage(feed.script, {
      venue: plainVenue({ maxConnectionAgeMs: 300 }),
      timing: { lingerMs: 20 },
    });
    await until(() => intake.frames.length > 50);
    intake.full = true;
    await until(() => venue.connectedAt.length === 2);
    const [before, isOldClosed] = [feed.sent(), () => venue.peers[0]?.closeCode !== undefined];
    await until(() => feed.sent() > before + 200);
    expect(isOldClosed()).toBe(false);
    intake.makeRoom();
    await until(isOldClosed);
    await source.stop();
    feed.stop();
    expect(holes(numbers(intake.frames))).toBe(0);
    expect(source.report()).toMatchObject({ disconnects: 0, reconnects: 0 });
  });

  test('comes due before the successor has taken over: that one does, and none leaks', async () => {
    const { venue, source } = await stage(
      async (peer, number) => {
        await peer.accept();
        if (number === 0) peer.send('{"d":1}');
      },
      {
        venue: plainVenue({ maxConnectionAgeMs: 100 }),
        timing: { confirmMs: 10_000, lingerMs: 20 },
      },
    );
    const open = (): number => venue.peers.filter(({ isClosed }) => !isClosed).length;
    let most = 0;
    await until(() => {
      most = Math.max(most, open());
      return venue.connectedAt.length >= 6;
    });
    expect(most).toBe(2);
    expect(source.report()).toMatchObject({ disconnects: 0, reconnects: 0 });
  });
});

describe('the successor of a connection', () => {
  test('always fails: the old connection goes on', async () => {
    const { venue, source, intake } = await stage(
      async (peer, number) => {
        if (number > 0) {
          await peer.refuse(503);
          return;
        }
        await peer.accept();
        answerAll(peer);
        peer.send('{"d":1}');
      },
      { venue: plainVenue({ maxConnectionAgeMs: 100 }) },
    );
    await until(() => venue.connectedAt.length >= 4);
    expect(source.report()).toMatchObject({ phase: 'open', connectionsOpen: 1 });
    expect(intake.stateWords()).not.toContain('lost 1');
  });

  test('takes over when the old one is cut while it subscribes', async () => {
    const { venue, source, intake } = await stage(
      async (peer, number) => {
        await peer.accept();
        if (number === 1) {
          venue.peers[0]?.cut();
          await until(() => source.report().disconnects === 1);
        }
        answerAll(peer);
        peer.send('{"d":1}');
      },
      { venue: plainVenue({ maxConnectionAgeMs: 100 }) },
    );
    await until(() => intake.stateWords().includes('subscribed 2'));
    await until(() => source.report().phase === 'open');
    expect(venue.connectedAt.length).toBe(2);
    expect(intake.stateWords().slice(0, 6)).toEqual([
      'started 0',
      'connected 1',
      'subscribed 1',
      'connected 2',
      'lost 1',
      'subscribed 2',
    ]);
  });
});

describe('two connections for the same symbols', () => {
  test('either may die: the other one brings every frame', async () => {
    const feed = broadcast();
    const { venue, source, intake } = await stage(feed.script, { settings: { copies: 2 } });
    await until(() => source.report().connectionsOpen === 2 && source.report().phase === 'open');
    for (const round of [0, 1, 2, 3]) {
      const before = intake.frames.length;
      await until(() => intake.frames.length > before + 30);
      venue.peers.filter(({ isClosed }) => !isClosed)[round % 2]?.cut();
      await until(() => source.report().disconnects === round + 1);
      await until(() => source.report().connectionsOpen === 2 && source.report().phase === 'open');
    }
    await source.stop();
    feed.stop();
    expect(holes(numbers(intake.frames))).toBe(0);
    expect(new Set(intake.frames.map(({ connection }) => connection)).size).toBe(6);
    expect(source.report().symbols.map(({ symbol }) => symbol)).toEqual(['A', 'B']);
  });
});
