import { describe, expect, test } from 'bun:test';
import { answerAll, plainVenue, readRequest } from '../venue/plain-venue.ts';
import { stage, until } from '../venue/stage.ts';

const fifty = Array.from({ length: 50 }, (_, at) => `S${at}`);
const others = (...bad: readonly string[]) => fifty.filter((symbol) => !bad.includes(symbol));

describe('a venue that does not take every symbol', () => {
  test('refuses fifty for one bad name: halved until the name stands alone', async () => {
    const { venue, source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        answerAll(peer, ['S17']);
      },
      { symbols: fifty },
    );
    await until(() => source.report().phase === 'open');
    expect([...intake.symbolsOf('subscribed')].toSorted()).toEqual(others('S17').toSorted());
    expect(intake.symbolsOf('refused')).toEqual(['S17']);
    const refused = source.report().symbols.filter(({ state }) => state === 'refused');
    expect(refused).toEqual([{ symbol: 'S17', state: 'refused', reason: 'no such name' }]);
    // The list, then two halves at each of six levels.
    expect(venue.peers[0]?.texts.length).toBeLessThanOrEqual(13);
    expect(venue.connectedAt.length).toBe(1);
  });

  test('refuses three bad names of fifty: the other 47 are subscribed', async () => {
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        answerAll(peer, ['S0', 'S1', 'S49']);
      },
      { symbols: fifty },
    );
    await until(() => source.report().phase === 'open');
    expect([...intake.symbolsOf('subscribed')].toSorted()).toEqual(
      others('S0', 'S1', 'S49').toSorted(),
    );
    expect([...intake.symbolsOf('refused')].toSorted()).toEqual(['S0', 'S1', 'S49']);
  });

  test('refused a name before: on the next connection it is asked for alone and last', async () => {
    const { venue, source } = await stage(
      async (peer, number) => {
        await peer.accept();
        answerAll(peer, ['S17']);
        if (number === 0) {
          await until(() => source.report().phase === 'open');
          peer.cut();
        }
      },
      { symbols: fifty },
    );
    await until(() => venue.connectedAt.length === 2 && source.report().phase === 'open');
    const asked = venue.peers[1]?.texts.map((text) => readRequest(text).subscribe);
    expect(asked).toEqual([others('S17'), ['S17']]);
    expect(source.report().symbols.filter(({ state }) => state === 'refused').length).toBe(1);
  });
});

describe('a venue that answers as it likes', () => {
  test('answers for each symbol by name: taken one by one, never halved', async () => {
    const { venue, source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        const { subscribe, id } = readRequest(await peer.next());
        for (const symbol of subscribe) {
          const kind = symbol === 'S3' ? 'refused' : 'ack';
          peer.send(JSON.stringify({ [kind]: id, symbols: [symbol] }));
        }
      },
      { symbols: fifty, venue: plainVenue({ confirmsPerSymbol: true }) },
    );
    await until(() => source.report().phase === 'open');
    expect(intake.symbolsOf('subscribed')).toEqual(others('S3'));
    expect(intake.symbolsOf('refused')).toEqual(['S3']);
    expect(venue.peers[0]?.texts.length).toBe(1);
  });

  test('never answers: the symbols are unconfirmed, until it does', async () => {
    let confirm = (): void => {};
    const { source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        await peer.next();
        confirm = () => peer.send('{"ack":"A+B"}');
      },
      { timing: { confirmMs: 50 } },
    );
    await until(() => source.report().connectionsOpen === 1);
    expect(source.report().phase).toBe('subscribing');
    await until(() => source.report().phase === 'open');
    const states = () => source.report().symbols.map(({ state }) => state);
    expect(states()).toEqual(['unconfirmed', 'unconfirmed']);
    expect(intake.symbolsOf('subscribed')).toEqual([]);
    confirm();
    await until(() => states().every((state) => state === 'subscribed'));
    expect(intake.symbolsOf('subscribed')).toEqual(['A', 'B']);
  });
});

describe('answers that come at a bad time', () => {
  test('refuses a list and closes at once: asked for by halves all the same', async () => {
    const { source, intake } = await stage(
      async (peer, number) => {
        await peer.accept();
        if (number > 0) {
          answerAll(peer, ['S3']);
          return;
        }
        const { id } = readRequest(await peer.next());
        peer.send(JSON.stringify({ refused: id }));
        peer.close(1008);
      },
      { symbols: fifty.slice(0, 8) },
    );
    await until(() => source.report().phase === 'open');
    expect(intake.symbolsOf('refused')).toEqual(['S3']);
    expect(intake.symbolsOf('subscribed').length).toBe(7);
  });

  test('answers what nobody asked: nothing changes', async () => {
    const { source, intake } = await stage(async (peer) => {
      await peer.accept();
      await peer.next();
      peer.send('{"ack":"other","symbols":["A"]}');
      peer.send('{"refused":"other"}');
      peer.send('{"refused":"","symbols":["Z"]}');
      peer.send('{"d":1}');
    });
    await until(() => source.report().phase === 'open');
    expect(intake.symbolsOf('subscribed')).toEqual([]);
    expect(intake.symbolsOf('refused')).toEqual([]);
  });
});

describe('a venue with limits', () => {
  test('allows eleven frames a second: ten are sent, one is left for pings', async () => {
    const { venue, source } = await stage(
      async (peer) => {
        await peer.accept();
        answerAll(peer, ['S9']);
      },
      { symbols: fifty.slice(0, 10), venue: plainVenue({ maxSendsPerSecond: 11 }, 3) },
    );
    await until(() => source.report().phase === 'open');
    const times = venue.peers[0]?.textsAt ?? [];
    expect(times.length).toBe(4);
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(295);
  });

  test('allows eleven frames a second: what is asked again keeps to it too', async () => {
    const { venue, source } = await stage(
      async (peer) => {
        await peer.accept();
        answerAll(peer, ['S1']);
      },
      { symbols: fifty.slice(0, 4), venue: plainVenue({ maxSendsPerSecond: 11 }) },
    );
    await until(() => source.report().phase === 'open');
    const times = venue.peers[0]?.textsAt ?? [];
    expect(times.length).toBe(5);
    for (const [at, time] of times.entries()) {
      expect(time - (times[0] ?? 0)).toBeGreaterThanOrEqual(at * 100 - 15);
    }
  });

  test('takes ten symbols a connection: fifty are spread over five', async () => {
    const { venue, source, intake } = await stage(
      async (peer) => {
        await peer.accept();
        answerAll(peer);
      },
      { symbols: fifty, venue: plainVenue({ maxSymbolsPerConnection: 10 }) },
    );
    await until(() => source.report().phase === 'open');
    expect(source.report().connectionsOpen).toBe(5);
    expect(venue.connectedAt.length).toBe(5);
    expect([...intake.symbolsOf('subscribed')].toSorted()).toEqual(fifty.toSorted());
    venue.peers[2]?.cut();
    await until(() => source.report().disconnects === 1 && source.report().phase === 'open');
    expect(venue.connectedAt.length).toBe(6);
  });
});
