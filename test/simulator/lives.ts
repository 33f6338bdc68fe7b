/** Scenarios of single tests: lives in which only one thing happens, and how much of it. */
import { calmScenario, type Scenario } from './scenario.ts';
import type { VenueId } from './dialects/dialects.ts';

const MINUTE_MS = 60_000;

/**
 * Connections that live for a minute, each replaced before; about `frames` frames, nothing goes
 * wrong.
 */
export const renewals = (seed: number, id: VenueId, frames: number): Scenario => {
  const busy = steady(seed, id, frames, 1);
  return { ...busy, venue: { ...busy.venue, maxAgeMs: MINUTE_MS } };
};

/** Two connections for the same symbols, of which one is dropped again and again, never both. */
export const twins = (seed: number, id: VenueId, frames: number): Scenario => {
  const busy = steady(seed, id, frames / 2, 2);
  const { connections } = busy.venue;
  return {
    ...busy,
    venue: {
      ...busy.venue,
      connections: { ...connections, dropped: 20_000, sparesLast: true },
    },
  };
};

/** About `frames` frames of trades at 200 a second, on each of `connections`. */
const steady = (seed: number, id: VenueId, frames: number, connections: 1 | 2): Scenario => {
  const calm = calmScenario(seed, id);
  return {
    ...calm,
    durationMs: frames * 5,
    venue: {
      ...calm.venue,
      meanTradeMs: 5,
      mostTradesAtOnce: 20,
      quotesPerTrade: 0,
      replays: 0,
    },
    source: { ...calm.source, connections, channels: ['trades'] },
  };
};

/**
 * Twelve hours in which connections are dropped, refused and closed and frames are lost, more often
 * than a venue's limit on connections lets them come back.
 */
export const stormyHalfDay = (seed: number): Scenario => {
  const calm = calmScenario(seed, 'kraken');
  return {
    ...calm,
    durationMs: 12 * 60 * MINUTE_MS,
    venue: {
      ...calm.venue,
      symbols: calm.venue.symbols.slice(0, 1),
      meanTradeMs: 1000,
      replays: 0,
      mostTradesAtOnce: 1,
      quotesPerTrade: 0.1,
      frames: { ...calm.venue.frames, lost: 0.25 },
      dials: { refused: 0.3, throttled: 0, unanswered: 0.02 },
      connections: { ...calm.venue.connections, dropped: 10_000, closed: 30_000 },
    },
    source: { ...calm.source, symbols: calm.source.symbols.slice(0, 1) },
    bars: { ...calm.bars, timeframes: ['1m'] },
  };
};
