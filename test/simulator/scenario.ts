import type { DatabasePlan } from './database.ts';
import { DIALECTS, type VenueId } from './dialects/dialects.ts';
import type { Stream } from './dialects/dialect.ts';
import { NO_DISK_FAULTS, type DiskPlan } from './disk.ts';
import { NO_FRAME_FAULTS, type FrameFaults } from './peer.ts';
import { mortality, type JournalPlan } from './mortality.ts';
import { NO_DEATHS, type DeathPlan } from './process/reaper.ts';
import { Chance } from './random.ts';
import type { VenuePlan } from './venue.ts';

/**
 * A whole simulation, made of its seed: what the program is configured to do, and what is done to
 * it.
 */
export type Scenario = {
  readonly seed: number;
  readonly durationMs: number;
  readonly venue: VenuePlan;
  readonly database: DatabasePlan;
  readonly source: {
    readonly symbols: readonly string[];
    readonly channels: readonly Stream[];
    readonly connections: 1 | 2;
    readonly muteAfterMs: number;
    readonly maxFrameBytes: number;
  };
  readonly pipeline: { readonly batchSize: number; readonly flushMs: number };
  readonly queues: {
    readonly opQueueMax: number;
    readonly sinkQueueMax: number;
    readonly maxMemoryBytes: number;
    readonly dropPolicy: 'oldest' | 'newest' | 'block';
  };
  readonly sink: {
    readonly workers: number;
    readonly backpressurePolicy: 'block' | 'drop_oldest' | 'drop_newest';
  };
  readonly maxMsgsPerSec: number;
  readonly bars: {
    readonly timeframes: readonly string[];
    readonly allowedLatenessMs: number;
    readonly empty: 'none' | 'flat';
  };
  /** Mean time between stops of the whole process. */
  readonly stallEveryMs: number;
  /** undefined: what waits does so in memory, and there is one process. */
  readonly journal: JournalPlan | undefined;
  readonly disk: DiskPlan;
  readonly deaths: DeathPlan;
};

export const MAX_AGE_MS = 600_000;
export const MAX_AHEAD_MS = 60_000;

/** Nothing goes wrong: what single tests start from. */
export const calmScenario = (seed: number, id: VenueId): Scenario => {
  const symbols = DIALECTS[id].symbols.slice(0, 2);
  return {
    seed,
    durationMs: 60_000,
    venue: {
      id,
      symbols,
      meanTradeMs: 50,
      mostTradesAtOnce: 3,
      quotesPerTrade: 0.5,
      latencyMs: [1, 20],
      maxAgeMs: undefined,
      replays: undefined,
      frames: NO_FRAME_FAULTS,
      dials: { refused: 0, throttled: 0, unanswered: 0 },
      connections: { dropped: 0, closed: 0, mute: 0, channelMute: 0, dead: 0, sparesLast: false },
      subscriptionUnanswered: 0,
      clock: { ahead: 0, behind: 0 },
    },
    database: {
      latencyMs: [1, 10],
      slow: 0,
      answerLost: 0,
      halfCommitted: 0,
      away: 0,
      refuses: 0,
      refusesOneIn: 0,
    },
    source: {
      symbols,
      channels: ['trades', 'quotes'],
      connections: 1,
      muteAfterMs: 10_000,
      maxFrameBytes: 65_536,
    },
    pipeline: { batchSize: 1000, flushMs: 50 },
    queues: {
      opQueueMax: 64,
      sinkQueueMax: 16,
      maxMemoryBytes: 64 * 1024 * 1024,
      dropPolicy: 'block',
    },
    sink: { workers: 2, backpressurePolicy: 'block' },
    maxMsgsPerSec: 0,
    bars: { timeframes: ['1s', '1m'], allowedLatenessMs: 2000, empty: 'none' },
    stallEveryMs: 0,
    journal: undefined,
    disk: NO_DISK_FAULTS,
    deaths: NO_DEATHS,
  };
};

/**
 * The scenario of a seed. Each fault is present in some and absent from others: what many faults
 * together would hide, few show.
 */
export const scenarioOf = (seed: number): Scenario => {
  const chance = new Chance(seed);
  const id = chance.pick(['binance', 'coinbase', 'kraken']);
  const calm = calmScenario(seed, id);
  const dialect = DIALECTS[id];
  const symbols = dialect.symbols.slice(0, chance.integer(1, dialect.symbols.length));
  const spelled = id === 'binance' && chance.happens(0.3) ? lowerCase(symbols) : symbols;
  const scenario: Scenario = {
    ...calm,
    durationMs: chance.between(10_000, 60_000),
    venue: venuePlan(chance, id, symbols),
    database: databasePlan(chance),
    source: {
      symbols: chance.happens(0.2) ? [...spelled, dialect.badSymbol] : spelled,
      channels: chance.pick([['trades', 'quotes'], ['trades', 'quotes'], ['trades']]),
      connections: chance.happens(0.3) ? 2 : 1,
      muteAfterMs: chance.between(2000, 12_000),
      maxFrameBytes: 65_536,
    },
    pipeline: {
      batchSize: chance.pick([7, 100, 1000, 10_000]),
      flushMs: chance.pick([1, 50, 700]),
    },
    ...limits(chance),
    bars: {
      timeframes: chance.pick([['1s', '1m'], ['1m'], ['1s'], ['5s', '15s', '1m'], ['1s', '1h']]),
      allowedLatenessMs: chance.pick([0, 500, 2000, 10_000]),
      empty: chance.pick(['none', 'flat']),
    },
    stallEveryMs: sometimes(chance, 0.2, 10_000, 60_000),
  };
  // Drawn last, so that the recorded seeds draw what they drew.
  const channelMute = sometimes(chance, 0.15, 5000, 40_000);
  const connections = { ...scenario.venue.connections, channelMute };
  const venue = { ...scenario.venue, connections };
  const mortal = mortality(seed, scenario.database);
  if (mortal.journal === undefined) return { ...scenario, ...mortal, venue };
  // Files take their time to simulate, and processes that die early see fewer connections grow old.
  const { maxAgeMs } = venue;
  return {
    ...scenario,
    ...mortal,
    venue: { ...venue, maxAgeMs: maxAgeMs && maxAgeMs * 0.5 },
    durationMs: scenario.durationMs * 0.6,
  };
};

const lowerCase = (symbols: readonly string[]): readonly string[] =>
  symbols.map((symbol) => symbol.toLowerCase());

/** 0, or with this probability a number between. */
const sometimes = (chance: Chance, probability: number, least: number, most: number): number =>
  chance.happens(probability) ? chance.between(least, most) : 0;

const venuePlan = (chance: Chance, id: VenueId, symbols: readonly string[]): VenuePlan => ({
  id,
  symbols,
  meanTradeMs: chance.pick([5, 20, 50, 400]),
  mostTradesAtOnce: chance.pick([1, 3, 20]),
  quotesPerTrade: chance.pick([0, 0.5, 1]),
  latencyMs: chance.pick([
    [0, 1],
    [1, 30],
    [50, 400],
  ]),
  maxAgeMs: chance.happens(0.3) ? chance.between(8000, 40_000) : undefined,
  replays: chance.happens(0.3) ? chance.pick([0, 1, 50, 1000]) : undefined,
  frames: frameFaults(chance),
  dials: {
    refused: sometimes(chance, 0.3, 0.05, 0.6),
    throttled: sometimes(chance, 0.1, 0.05, 0.2),
    unanswered: sometimes(chance, 0.15, 0.05, 0.3),
  },
  connections: {
    dropped: sometimes(chance, 0.4, 2000, 40_000),
    closed: sometimes(chance, 0.2, 5000, 40_000),
    mute: sometimes(chance, 0.2, 5000, 40_000),
    channelMute: 0,
    dead: sometimes(chance, 0.15, 5000, 40_000),
    sparesLast: false,
  },
  subscriptionUnanswered: sometimes(chance, 0.15, 0.1, 0.6),
  clock: {
    ahead: sometimes(chance, 0.1, 10_000, 40_000),
    behind: sometimes(chance, 0.1, 10_000, 40_000),
  },
});

const frameFaults = (chance: Chance): FrameFaults => ({
  lost: sometimes(chance, 0.25, 0.001, 0.05),
  twice: sometimes(chance, 0.25, 0.001, 0.2),
  outOfOrder: sometimes(chance, 0.25, 0.001, 0.2),
  cutShort: sometimes(chance, 0.15, 0.001, 0.02),
  unknown: sometimes(chance, 0.15, 0.001, 0.02),
  badRow: sometimes(chance, 0.15, 0.001, 0.02),
  empty: sometimes(chance, 0.1, 0.0005, 0.002),
  oversized: sometimes(chance, 0.1, 0.0005, 0.002),
  late: sometimes(chance, 0.15, 0.0005, 0.005),
});

const databasePlan = (chance: Chance): DatabasePlan => ({
  latencyMs: chance.pick([
    [0, 1],
    [1, 10],
    [20, 200],
  ]),
  slow: sometimes(chance, 0.2, 0.01, 0.2),
  answerLost: sometimes(chance, 0.2, 0.01, 0.2),
  halfCommitted: sometimes(chance, 0.2, 0.01, 0.2),
  away: sometimes(chance, 0.25, 5000, 40_000),
  refuses: 0,
  refusesOneIn: chance.happens(0.15) ? chance.integer(20, 500) : 0,
});

/** Mostly roomy; else so tight that the policies act. */
const limits = (chance: Chance): Pick<Scenario, 'queues' | 'sink' | 'maxMsgsPerSec'> => {
  const tight = chance.happens(0.3);
  return {
    queues: {
      opQueueMax: tight ? chance.integer(1, 4) : 64,
      sinkQueueMax: tight ? chance.integer(1, 4) : 16,
      maxMemoryBytes: tight ? chance.integer(64, 1024) * 1024 : 64 * 1024 * 1024,
      dropPolicy: chance.pick(['oldest', 'newest', 'block', 'block']),
    },
    sink: {
      workers: chance.integer(1, 4),
      backpressurePolicy: chance.pick(['block', 'block', 'drop_oldest', 'drop_newest']),
    },
    maxMsgsPerSec: chance.happens(0.1) ? chance.integer(20, 500) : 0,
  };
};
