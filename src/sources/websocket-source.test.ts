import { describe, expect, test } from 'bun:test';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { Heard } from '../../test/venue/heard.ts';
import { plainVenue } from '../../test/venue/plain-venue.ts';
import { silentLog } from '../../test/venue/silent-log.ts';
import { simulateVenue } from '../../test/venue/simulated-venue.ts';
import type { Fate } from '../../test/venue/simulated-venue.ts';
import type { VenueFacts } from '../venues/venue.ts';
import { seededRandom } from './random-walk.ts';
import { TIMING } from './timing.ts';
import { createWebSocketSource } from './websocket-source.ts';

const HOUR_MS = 3_600_000;
const PER_MINUTE = 15;

const simulate = (
  fateOf: (dial: number) => Fate,
  facts: Partial<VenueFacts> = {},
  muteAfterMs = 60_000,
) => {
  const clock = new HandClock(1_795_435_200_000_000);
  const network = simulateVenue(clock, fateOf);
  const intake = new Heard();
  const source = createWebSocketSource(
    {
      name: 'simulated',
      wish: { symbols: ['A', 'B'], channels: ['trades'], url: 'ws://x', trades: 'trade' },
      copies: 1,
      connectTimeoutMs: 10_000,
      maxFrameBytes: 1_048_576,
      compression: false,
      proxy: undefined,
      ca: undefined,
      muteAfterMs,
    },
    {
      venue: plainVenue({ maxConnectsPerMinute: PER_MINUTE, ...facts }),
      intake,
      clock,
      log: silentLog,
      openSocket: network.openSocket,
      random: seededRandom(7),
      timing: TIMING,
    },
  );
  source.start();
  return { clock, network, intake, source };
};

/** The most connections tried in any minute. */
const busiestMinute = (times: readonly number[]): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));

const spacing = (times: readonly number[]): readonly number[] =>
  times.slice(1).map((time, at) => time - (times[at] ?? 0));

describe('twelve simulated hours', () => {
  test('of random drops stay within the limits of the venue and leave nothing behind', () => {
    const random = seededRandom(42);
    const { clock, network, intake, source } = simulate(() =>
      random() < 0.3
        ? { refused: { message: 'connection reset' } }
        : { dropAfterMs: random() * 20_000, dataEveryMs: 500 },
    );
    let timers = 0;
    for (let hour = 0; hour < 12; hour += 1) {
      clock.advance(HOUR_MS);
      timers = Math.max(timers, clock.pending);
    }
    const { connects, disconnects, reconnects } = source.report();
    expect(network.dialledAt.length).toBeGreaterThan(3000);
    expect(busiestMinute(network.dialledAt)).toBeLessThanOrEqual(PER_MINUTE);
    expect(Math.max(...spacing(network.dialledAt))).toBeLessThan(90_000);
    expect(connects).toBeGreaterThan(2000);
    expect(connects - disconnects).toBe(network.open());
    expect(reconnects).toBe(connects - 1);
    expect(timers).toBeLessThan(15);
    const numbers = intake.states.flatMap(({ state, connection }) =>
      state === 'connected' ? [connection] : [],
    );
    expect(numbers).toEqual(Array.from({ length: connects }, (_, at) => at + 1));
    expect(intake.states.filter(({ state }) => state === 'lost').length).toBe(disconnects);
  });

  test('of a venue that always refuses are four connections a minute, jittered', () => {
    const { clock, network } = simulate(() => ({ refused: { message: 'connection refused' } }));
    clock.advance(12 * HOUR_MS);
    expect(network.dialledAt.length / 720).toBeWithin(3, 5);
    expect(Math.max(...spacing(network.dialledAt))).toBeLessThanOrEqual(30_010);
  });

  test('of 429 are far fewer', () => {
    const { clock, network } = simulate(() => ({ refused: { message: 'too many', status: 429 } }));
    clock.advance(12 * HOUR_MS);
    expect(network.dialledAt.length).toBeLessThan(150);
    expect(Math.min(...spacing(network.dialledAt))).toBeGreaterThanOrEqual(15_000);
  });

  test('of a mute feed are replaced after 1, 2, 4 … minutes, and then once an hour', () => {
    const { clock, network, source } = simulate(() => ({}));
    clock.advance(12 * HOUR_MS);
    const minutes = spacing(network.dialledAt).map((ms) => ms / 60_000);
    for (const [at, least] of [1, 2, 4, 8, 16, 32, 60, 60, 60].entries()) {
      expect(minutes[at]).toBeWithin(least, least + 1);
    }
    expect(source.report()).toMatchObject({ phase: 'mute', connectionsOpen: 1 });
  });
});

describe('twelve simulated hours of renewals', () => {
  test('never leave a venue that allows two hours a connection without one', () => {
    const { clock, network, intake, source } = simulate(
      () => ({ dataEveryMs: 1000, dropAfterMs: 2 * HOUR_MS }),
      { maxConnectionAgeMs: 2 * HOUR_MS },
    );
    clock.advance(1000);
    for (let minute = 0; minute < 720; minute += 1) {
      clock.advance(60_000);
      expect(network.open()).toBeWithin(1, 3);
    }
    expect(network.dialledAt.length).toBeWithin(6, 8);
    expect(source.report()).toMatchObject({ disconnects: 0, phase: 'open' });
    const words = intake.stateWords();
    for (let number = 2; number <= network.dialledAt.length; number += 1) {
      expect(words.indexOf(`subscribed ${number}`)).toBeLessThan(
        words.indexOf(`lost ${number - 1}`),
      );
    }
  });
});
