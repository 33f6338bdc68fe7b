import { describe, expect, test } from 'bun:test';
import { answerAll, plainVenue, readRequest } from '../venue/plain-venue.ts';
import { stage, until, type Stage } from '../venue/stage.ts';

/** The settings of the stage with other symbols, or whatever else. */
const settingsOf = (
  { venue }: Stage,
  symbols: readonly string[],
  more: { readonly copies?: number; readonly maxFrameBytes?: number } = {},
) => ({
  name: 'test',
  wish: { symbols, channels: ['trades'], url: venue.url, trades: 'trade' } as const,
  copies: 1,
  connectTimeoutMs: 1000,
  maxFrameBytes: 64 * 1024,
  compression: false,
  proxy: undefined,
  ca: undefined,
  muteAfterMs: 0,
  ...more,
});

const statesOf = ({ source }: Stage): Readonly<Record<string, string>> =>
  Object.fromEntries(source.report().symbols.map(({ symbol, state }) => [symbol, state]));

/** Answers every list but those with a bad name, and speaks at once. */
const talkative = (bad: readonly string[] = []): Parameters<typeof stage>[0] => {
  return async (peer) => {
    await peer.accept();
    answerAll(peer, bad);
    peer.send('{"d":1}');
  };
};

describe('symbols that come', () => {
  test('are asked for alone, on the connection that is there', async () => {
    const asked: (readonly string[])[] = [];
    const set = await stage(async (peer) => {
      await peer.accept();
      for (;;) {
        const { subscribe, id } = readRequest(await peer.next());
        asked.push(subscribe);
        peer.send(JSON.stringify({ ack: id }));
      }
    });
    await until(() => set.source.report().phase === 'open');
    set.source.revise(settingsOf(set, ['C', 'A', 'B', 'D']));
    await until(() => statesOf(set)['D'] === 'subscribed');
    expect(asked).toEqual([
      ['A', 'B'],
      ['C', 'D'],
    ]);
    expect(set.intake.stateWords()).not.toContain('connected 2');
    expect(set.intake.symbolsOf('subscribed')).toEqual(['A', 'B', 'C', 'D']);
  });

  test('with a bad name among them cost the others nothing', async () => {
    const set = await stage(talkative(['NOPE']));
    await until(() => set.source.report().phase === 'open');
    set.source.revise(settingsOf(set, ['A', 'B', 'C', 'NOPE', 'D']));
    await until(() => Object.values(statesOf(set)).every((state) => state !== 'pending'));
    expect(statesOf(set)).toEqual({
      A: 'subscribed',
      B: 'subscribed',
      C: 'subscribed',
      NOPE: 'refused',
      D: 'subscribed',
    });
    expect(set.venue.connectedAt.length).toBe(1);
  });

  test('without room get a connection of their own', async () => {
    const set = await stage(talkative(), { venue: plainVenue({ maxSymbolsPerConnection: 2 }) });
    await until(() => set.source.report().phase === 'open');
    set.source.revise(settingsOf(set, ['A', 'B', 'C']));
    await until(() => statesOf(set)['C'] === 'subscribed');
    expect(set.source.report()).toMatchObject({ connectionsOpen: 2, disconnects: 0 });
    expect(set.intake.stateWords()).not.toContain('lost 1');
  });

  test('while nothing is connected are asked for by the next connection', async () => {
    const asked: (readonly string[])[] = [];
    const set = await stage(async (peer, number) => {
      if (number < 2) return peer.refuse(503);
      await peer.accept();
      asked.push(readRequest(await peer.next()).subscribe);
    });
    await until(() => set.source.report().phase === 'backing_off');
    set.source.revise(settingsOf(set, ['B', 'C']));
    await until(() => asked.length > 0);
    expect(asked).toEqual([['B', 'C']]);
  });
});

describe('symbols that go', () => {
  test('go with their connection, a new one first; what it said last is still heard', async () => {
    const set = await stage(
      async (peer, number) => {
        await peer.accept();
        answerAll(peer);
        peer.send(`{"d":${number}}`);
        if (number === 0) return;
        await until(() => set.source.report().symbols.length === 1);
        set.venue.peers[0]?.send('{"d":100}');
      },
      { timing: { lingerMs: 200 } },
    );
    await until(() => set.source.report().phase === 'open');
    set.source.revise(settingsOf(set, ['B']));
    await until(() => set.intake.stateWords().includes('lost 1'));
    const { frames } = set.intake;
    expect(frames.some(({ connection, text }) => connection === 1 && text === '{"d":100}')).toBe(
      true,
    );
    expect(statesOf(set)).toEqual({ B: 'subscribed' });
    expect(set.source.report()).toMatchObject({ disconnects: 0, connectionsOpen: 1 });
  });

  test('stay as long as no new connection is to be had; so does all else', async () => {
    let open = false;
    const set = await stage(async (peer, number) => {
      if (number > 0 && !open) return peer.refuse(503);
      await peer.accept();
      answerAll(peer);
      peer.send('{"d":1}');
    });
    await until(() => set.source.report().phase === 'open');
    set.source.revise(settingsOf(set, ['A']));
    await until(() => set.venue.connectedAt.length >= 3);
    expect(statesOf(set)).toEqual({ A: 'subscribed', B: 'subscribed' });
    open = true;
    await until(() => set.intake.stateWords().includes('lost 1'));
    expect(statesOf(set)).toEqual({ A: 'subscribed' });
  });

  test('and come back before they have gone: only the last wish counts', async () => {
    const set = await stage(talkative());
    await until(() => set.source.report().phase === 'open');
    for (const symbols of [['A'], ['A', 'B', 'C'], ['C', 'B']]) {
      set.source.revise(settingsOf(set, symbols));
    }
    await until(() => set.intake.stateWords().includes('lost 1'));
    expect(statesOf(set)).toEqual({ B: 'subscribed', C: 'subscribed' });
    expect(set.source.report()).toMatchObject({ phase: 'open', connectionsOpen: 1 });
  });

  test('all of them: no connection is left, and none is an end', async () => {
    const set = await stage(talkative());
    await until(() => set.source.report().phase === 'open');
    set.source.revise(settingsOf(set, []));
    await until(() => set.intake.stateWords().includes('lost 1'));
    expect(set.source.report()).toMatchObject({ phase: 'open', connectionsOpen: 0, symbols: [] });
    expect(set.intake.stateWords()).not.toContain('ended 0');
  });
});

test('other settings are taken over by new connections, as many as there are to be', async () => {
  const set = await stage(talkative());
  await until(() => set.source.report().phase === 'open');
  set.source.revise(settingsOf(set, ['A', 'B'], { copies: 2, maxFrameBytes: 2048 }));
  await until(() => set.intake.stateWords().includes('lost 1'));
  await until(() => set.source.report().connectionsOpen === 2);
  expect(set.source.report()).toMatchObject({ disconnects: 0, phase: 'open' });
  set.source.revise(settingsOf(set, ['A', 'B'], { copies: 1, maxFrameBytes: 2048 }));
  await until(() => set.source.report().connectionsOpen === 1);
  expect(statesOf(set)).toEqual({ A: 'subscribed', B: 'subscribed' });
});
