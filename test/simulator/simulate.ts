/**
 * The simulator: the program's real wiring (`buildPipeline`, from a real configuration) inside a
 * simulated world of one venue, its network, a clock and a database. All of it is a function of the
 * scenario; the same seed lives the same life. It looks on while the program runs, and judges
 * afterwards by a model that knows only what the program was given.
 */
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/config.ts';
import { buildPipeline } from '../../src/pipeline/build.ts';
import type { Outcome } from '../../src/pipeline/pipeline-parts.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { venueOf } from '../../src/venues/registry.ts';
import type { Venue } from '../../src/venues/venue.ts';
import { silentLog } from '../venue/silent-log.ts';
import { SimulatedDatabase } from './database.ts';
import { DIALECTS } from './dialects/dialects.ts';
import { FaultCount } from './faults.ts';
import { Inspector } from './inspector.ts';
import { Chance } from './random.ts';
import { MAX_AGE_MS, MAX_AHEAD_MS, type Scenario } from './scenario.ts';
import { SimulatedVenue } from './venue.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Witness } from './witness.ts';

/** 2026-11-23T12:00:00Z. */
const START_US = 1_795_435_200_000_000;
const LOOK_EVERY_MS = 1000;
/** The slowest of the simulated databases has had time for everything. */
const DRAIN_MS = 3_600_000;
const STALL_MS = [300, 15_000] as const;

export type World = {
  readonly scenario: Scenario;
  readonly clock: VirtualClock;
  readonly faults: FaultCount;
  readonly venue: SimulatedVenue;
  readonly database: SimulatedDatabase;
  readonly witness: Witness;
};

/** A life of the program, through. */
export type Life = World & {
  readonly pipeline: Pipeline;
  /** undefined: the drain did not end. */
  readonly outcome: Outcome | undefined;
  /** What was wrong while it ran. */
  readonly seen: readonly string[];
};

export type LiveOptions = {
  /** The program's log, by simulated time. */
  readonly log?: (clock: Clock) => Log;
  readonly lookEveryMs?: number;
  /** For what a test wants to see for itself. */
  readonly onLook?: (pipeline: Pipeline, world: World) => void;
};

/** Builds the world of a scenario, lets the program live in it, and drains it in peace. */
export const live = async (scenario: Scenario, options: LiveOptions = {}): Promise<Life> => {
  const chance = new Chance(~scenario.seed);
  const world = createWorld(scenario, chance);
  const pipeline = startProgram(world, chance, options.log?.(world.clock) ?? silentLog);
  const inspector = new Inspector(pipeline, world);
  const look = (): void => {
    inspector.look();
    options.onLook?.(pipeline, world);
  };
  const running = pipeline.run();
  // Whoever awaits it comes later; a failure until then is not forgotten.
  running.catch(() => undefined);
  await liveThrough(world, chance.fork(), look, options.lookEveryMs ?? LOOK_EVERY_MS);
  world.venue.calm();
  world.database.calm();
  pipeline.stop();
  await world.clock.until(running, 2 * DRAIN_MS);
  inspector.look();
  return { ...world, pipeline, outcome: await settled(running), seen: inspector.seen };
};

const createWorld = (scenario: Scenario, chance: Chance): World => {
  const clock = new VirtualClock(START_US);
  const faults = new FaultCount();
  const { maxFrameBytes } = scenario.source;
  const witness = new Witness({
    maxAgeMs: MAX_AGE_MS,
    maxAheadMs: MAX_AHEAD_MS,
    quotesHaveTimes: DIALECTS[scenario.venue.id].quotesHaveTimes,
    largestFrame: maxFrameBytes,
  });
  const venue = new SimulatedVenue({
    plan: scenario.venue,
    clock,
    chance: chance.fork(),
    faults,
    oversizedBytes: maxFrameBytes + 1,
    onDelivered: (parcel) => witness.hears(parcel, clock.now()),
  });
  const plan = scenario.database;
  const database = new SimulatedDatabase({ plan, clock, chance: chance.fork(), faults });
  return { scenario, clock, faults, venue, database, witness };
};

const startProgram = (world: World, chance: Chance, log: Log): Pipeline => {
  const { scenario, clock, venue, database } = world;
  const own = chance.fork();
  return buildPipeline(
    configOf(scenario),
    {
      clock,
      random: own.next,
      log,
      openSocket: venue.openSocket,
      venueOf: (id) => agedVenue(venueOf(id), scenario.venue.maxAgeMs),
      sink: database,
    },
    own.integer(0, 2 ** 30 - 1),
  );
};

/** The real venue, whose connections live as long as the simulated one lets them. */
const agedVenue = (venue: Venue | undefined, maxAgeMs: number | undefined): Venue | undefined =>
  venue && { ...venue, facts: { ...venue.facts, maxConnectionAgeMs: maxAgeMs } };

const liveThrough = async (
  { scenario, clock, faults }: World,
  chance: Chance,
  look: () => void,
  lookEveryMs: number,
): Promise<void> => {
  const end = clock.now() + scenario.durationMs * 1000;
  const { stallEveryMs } = scenario;
  let stallAt = stallEveryMs === 0 ? Infinity : clock.now() + chance.waitFor(stallEveryMs) * 1000;
  while (clock.now() < end) {
    await clock.advance(lookEveryMs);
    look();
    if (clock.now() < stallAt) continue;
    faults.fired('process_stalled');
    clock.stall(chance.between(...STALL_MS));
    stallAt = clock.now() + chance.waitFor(stallEveryMs) * 1000;
  }
};

/** How the run ended; undefined when it has not. Throws what ended it by force. */
const settled = (running: Promise<Outcome>): Promise<Outcome | undefined> =>
  Promise.race([running, Promise.resolve(undefined)]);

/** As a user would write it, through the program's own loading. */
const configOf = (scenario: Scenario): Config => {
  const { source, pipeline, queues, sink, bars } = scenario;
  const text = JSON.stringify({
    database: { url: 'sqlite:/simulated.db' },
    pipeline: {
      batch_size: pipeline.batchSize,
      flush_ms: pipeline.flushMs,
      drain_ms: DRAIN_MS,
    },
    queues: {
      op_queue_max: queues.opQueueMax,
      sink_queue_max: queues.sinkQueueMax,
      max_memory_bytes: queues.maxMemoryBytes,
      drop_policy: queues.dropPolicy,
    },
    sink: { workers: sink.workers, backpressure_policy: sink.backpressurePolicy },
    pacing: { budget: { max_msgs_per_sec: scenario.maxMsgsPerSec, burst: 10 } },
    operators: {
      validate: { max_age_ms: MAX_AGE_MS, max_ahead_ms: MAX_AHEAD_MS },
      bars: {
        timeframes: bars.timeframes,
        allowed_lateness_ms: bars.allowedLatenessMs,
        empty: bars.empty,
      },
    },
    sources: [
      {
        type: scenario.venue.id,
        symbols: source.symbols,
        channels: source.channels,
        connections: source.connections,
        mute_after_ms: Math.round(source.muteAfterMs),
        max_frame_bytes: source.maxFrameBytes,
      },
    ],
  });
  return loadConfig({ path: 'simulated.yaml', env: {}, readFile: () => text }).config;
};
