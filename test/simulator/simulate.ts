/**
 * The simulator: the program's real wiring (`openJournalPart` and `buildPipeline`, from a real
 * configuration) inside a simulated world: one venue, its network, a clock, a disk, a database. It
 * is killed, loses its machine's power, and is started again. All of it is a function of the
 * scenario; the same seed lives the same life. It looks on while the program runs, and judges
 * afterwards by a model that knows only what the program was given and what reached its files.
 */
import type { Outcome } from '../../src/pipeline/pipeline-parts.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { silentLog } from '../venue/silent-log.ts';
import { SimulatedDatabase } from './database.ts';
import { DIALECTS } from './dialects/dialects.ts';
import { SimulatedDisk } from './disk.ts';
import { FaultCount } from './faults.ts';
import { History, type Past } from './history.ts';
import { Chance } from './random.ts';
import { MAX_AGE_MS, MAX_AHEAD_MS, type Scenario } from './scenario.ts';
import { SimulatedVenue } from './venue.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Witness } from './witness.ts';
import type { World } from './world.ts';

/** 2026-11-23T12:00:00Z. */
const START_US = 1_795_435_200_000_000;
const LOOK_EVERY_MS = 1000;

/** A life of the program, through: all of its processes. */
export type Life = World & {
  /** Of the last process. */
  readonly pipeline: Pipeline;
  /** undefined: the drain did not end. */
  readonly outcome: Outcome | undefined;
  /** What was wrong while it ran. */
  readonly seen: readonly string[];
  readonly past: Past;
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
  const history = new History({
    world,
    log: options.log?.(world.clock) ?? silentLog,
    lookEveryMs: options.lookEveryMs ?? LOOK_EVERY_MS,
    onLook: options.onLook ?? (() => undefined),
    chance,
  });
  return { ...world, ...(await history.unfold()) };
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
  });
  const plan = scenario.database;
  const database = new SimulatedDatabase({ plan, clock, chance: chance.fork(), faults });
  const onDisk = new Chance(scenario.seed ^ 0x5d15);
  const disk = new SimulatedDisk({ plan: scenario.disk, clock, chance: onDisk, faults });
  return { scenario, clock, faults, venue, database, disk, witness };
};
