import { MdpError } from '../../src/runtime/errors.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { errnoOf } from '../../src/journal/disk.ts';
import { configOf } from './configuration.ts';
import { Inspector } from './inspector.ts';
import type { Delivery } from './process/custody.ts';
import { Run } from './process/run.ts';
import { Chance } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { Life } from './simulate.ts';
import type { World } from './world.ts';

/** The slowest of the simulated databases has had time for everything. */
const DRAIN_MS = 3_600_000;
const STALL_MS = [300, 15_000] as const;
/** An orderly stop takes at most so long beyond its drain: closing a disk that does not answer. */
const STOP_MS = 60_000;
/** A process dies so long after it was asked to stop. */
const IN_DRAIN_MS = [0, 400] as const;

/** In the kernel within so long. */
const WRITTEN_WITHIN_US = 10_000;
const ROOMY_BYTES = 64 * 1024 * 1024;

/** What the model must know of processes that are no more. */
export type Past = {
  /** Processes that were started, the last one too. */
  starts: number;
  /** When a process ended and something was, or may have been, taken in by nobody, in µs. */
  readonly ends: number[];
  /** Something was given up by policy, in any of them. */
  hasDropped: boolean;
  /** Rows, behind the operators, in any of them. */
  hasDroppedRows: boolean;
  /**
   * When a process began that had no checkpoint, and gave up unread what earlier ones had left: it
   * knows nothing of them, in µs.
   */
  blankFrom: number;
  /** What each process was given. */
  readonly deliveries: (readonly Delivery[])[];
};

export type HistoryParts = {
  readonly world: World;
  readonly log: Log;
  readonly lookEveryMs: number;
  readonly onLook: (pipeline: Pipeline, world: World) => void;
  readonly chance: Chance;
};

/** The processes of a life, one after the other. */
export class History {
  readonly #parts: HistoryParts;
  readonly #past: Past = {
    starts: 0,
    ends: [],
    hasDropped: false,
    hasDroppedRows: false,
    blankFrom: 0,
    deliveries: [],
  };
  readonly #seen: string[] = [];
  /** Of the program's own chance, and of what the world does to it while it runs. */
  readonly #own: Chance;
  readonly #stalls: Chance;
  /** Deaths and stops. */
  readonly #fate: Chance;
  readonly #end: number;
  #stallAt: number;
  #stopAt: number;
  #inspector: Inspector | undefined;
  #inherited: readonly Delivery[] = [];

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    const { scenario, clock } = parts.world;
    this.#own = parts.chance.fork();
    this.#stalls = parts.chance.fork();
    this.#fate = new Chance(scenario.seed ^ 0xdea7);
    this.#end = clock.now() + scenario.durationMs * 1000;
    this.#stallAt = this.#next(this.#stalls, scenario.stallEveryMs);
    this.#stopAt = this.#next(this.#fate, scenario.deaths.stopMs);
  }

  async unfold(): Promise<Pick<Life, 'pipeline' | 'outcome' | 'seen' | 'past'>> {
    const { world, lookEveryMs } = this.#parts;
    const { clock } = world;
    let run = this.#start();
    while (clock.now() < this.#end) {
      await clock.until(run.over, lookEveryMs);
      if (run.isOver) {
        await this.#bury(run);
        run = this.#start();
        continue;
      }
      this.#look(run);
      this.#stallSometimes();
      if (clock.now() >= this.#stopAt || run.reaper.wantsStop) await this.#stop(run);
    }
    world.venue.calm();
    world.database.calm();
    world.disk.calm();
    return this.#finish(run);
  }

  #start(): Run {
    const { world, log } = this.#parts;
    const isFirst = this.#past.starts === 0;
    const { drainMs } = world.scenario.deaths;
    const isCalm = world.clock.now() >= this.#end || world.scenario.deaths.stopMs === 0;
    const config = configOf(world.scenario, isCalm ? DRAIN_MS : drainMs);
    this.#past.starts += 1;
    this.#inspector = undefined;
    const chance = isFirst ? this.#own : this.#fate.fork();
    const inherited = this.#inherited;
    const run = new Run({ world, config, chance, fate: this.#fate.fork(), log, inherited });
    this.#past.deliveries.push(run.custody.deliveries);
    return run;
  }

  /** What is left of a process, and a while in which there is none. */
  async #bury(run: Run): Promise<void> {
    const { clock, venue, faults, disk, scenario } = this.#parts.world;
    const how = this.#howEnded(run);
    if (how === 'power') faults.fired('power_lost');
    this.#note(run);
    if (how === 'killed' || how === 'power') this.#seen.push(...unwritten(run, this.#parts.world));
    run.custody.end(how, isFlawless(scenario) ? 'lost' : 'doubtful');
    this.#inherited = run.custody.legacy;
    run.body.die();
    venue.cutAll();
    if (how === 'power') disk.losePower();
    this.#past.ends.push(clock.now());
    await clock.advance(this.#fate.between(...scenario.deaths.downMs));
  }

  #howEnded({ failure, outcome }: Run): 'drained' | 'left' | 'killed' | 'power' {
    const { faults, scenario } = this.#parts.world;
    if (failure !== undefined) {
      if (!isOfDisk(failure)) throw failure;
      faults.fired('start_failed');
      return 'left';
    }
    if (outcome === undefined) {
      return this.#fate.happens(scenario.deaths.powerLoss) ? 'power' : 'killed';
    }
    const { frames, rows } = outcome;
    faults.fired(frames + rows === 0 ? 'stopped' : 'stopped_with_data_left');
    return frames + rows === 0 ? 'drained' : 'left';
  }

  /** Stops it as a supervisor does; it may die on the way. */
  async #stop(run: Run): Promise<void> {
    const { clock, scenario } = this.#parts.world;
    this.#stopAt = this.#next(this.#fate, scenario.deaths.stopMs);
    if (run.pipeline === undefined) return;
    run.pipeline.stop();
    clock.after(this.#fate.between(...IN_DRAIN_MS), () => run.reaper.strikes('in_drain'));
    await clock.until(run.over, scenario.deaths.drainMs + STOP_MS);
    if (!run.isOver) throw new Error('an orderly stop did not end');
  }

  /** The world is calm: one process, which has all the time it needs, brings everything home. */
  async #finish(last: Run): Promise<Pick<Life, 'pipeline' | 'outcome' | 'seen' | 'past'>> {
    const { clock, scenario } = this.#parts.world;
    let run = last;
    run.reaper.rest();
    await this.#started(run);
    if (scenario.deaths.stopMs > 0 && !run.isOver) await this.#stop(run);
    // One that is to die with its first call is dead before it can be spared.
    while (run.isOver) {
      await this.#bury(run);
      run = this.#start();
      run.reaper.rest();
      await this.#started(run);
    }
    const { pipeline } = run;
    pipeline?.stop();
    await clock.until(run.over, 2 * DRAIN_MS);
    if (run.failure !== undefined) throw run.failure;
    if (pipeline === undefined) throw new Error('the last process did not start');
    this.#look(run);
    run.custody.end('last', 'lost');
    return { pipeline, outcome: run.outcome, seen: this.#seen, past: this.#past };
  }

  /** Waits while it opens its journal. */
  async #started(run: Run): Promise<void> {
    const { clock } = this.#parts.world;
    while (run.pipeline === undefined && !run.isOver) await clock.until(run.over, 10);
  }

  #look(run: Run): void {
    const { world, onLook } = this.#parts;
    if (run.pipeline === undefined) return;
    this.#inspector ??= new Inspector(run.pipeline, world, this.#seen);
    this.#inspector.look();
    this.#note(run);
    onLook(run.pipeline, world);
  }

  #note({ pipeline, isBlank, startedAt }: Run): void {
    if (pipeline === undefined) return;
    const { trade, quote } = pipeline.ledger.rows;
    if (trade.dropped + quote.dropped > 0) this.#past.hasDroppedRows = true;
    const dropped = droppedFrames(pipeline);
    if (dropped > 0 || this.#past.hasDroppedRows) this.#past.hasDropped = true;
    const { queues } = this.#parts.world.scenario;
    if (dropped > 0 && queues.dropPolicy === 'oldest' && isBlank) this.#past.blankFrom = startedAt;
  }

  #stallSometimes(): void {
    const { clock, faults, scenario } = this.#parts.world;
    if (clock.now() < this.#stallAt) return;
    faults.fired('process_stalled');
    clock.stall(this.#stalls.between(...STALL_MS));
    this.#stallAt = this.#next(this.#stalls, scenario.stallEveryMs);
  }

  /** When the next of something happens that comes every `mean` ms; 0 = never. */
  #next(chance: Chance, mean: number): number {
    return mean === 0 ? Infinity : this.#parts.world.clock.now() + chance.waitFor(mean) * 1000;
  }
}

/** A disk on which everything is written as soon as it can be. */
const isFlawless = (scenario: Scenario): boolean =>
  takesAll(scenario) && scenario.disk.syncFailed + scenario.disk.nameFailed === 0;

/** A disk that takes every write, and a journal that has room for it. */
export const takesAll = ({ disk, journal }: Scenario): boolean => {
  const { writeFailed, full, short } = disk;
  const isRoomy = journal !== undefined && journal.maxBytes >= ROOMY_BYTES;
  return isRoomy && writeFailed + full + short === 0;
};

/** What a process took in long before it died has reached the kernel. */
const unwritten = ({ custody }: Run, { scenario, clock }: World): readonly string[] => {
  if (!isFlawless(scenario) || scenario.stallEveryMs > 0) return [];
  const count = custody.unwritten(clock.now() - WRITTEN_WITHIN_US);
  return count === 0 ? [] : [`${count} frames were received 10 ms before a death and not written`];
};

/** What an oversized frame held the program was never given. */
const droppedFrames = (pipeline: Pipeline): number =>
  pipeline.frameCounts().dropped -
  (pipeline.ledger.dropped.get('oversized') ?? 0) -
  pipeline.pendingDrops.of('oversized');

/** The start of a process fails where its disk does. */
const isOfDisk = (failure: Error): boolean =>
  failure instanceof MdpError
    ? failure.code === 'disk'
    : ['EIO', 'ENOSPC'].includes(errnoOf(failure));
