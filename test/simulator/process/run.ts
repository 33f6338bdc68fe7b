import type { Config } from '../../../src/config/config.ts';
import { buildPipeline } from '../../../src/pipeline/build.ts';
import { openJournalPart } from '../../../src/pipeline/journal-part.ts';
import type { Outcome } from '../../../src/pipeline/pipeline-parts.ts';
import type { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { venueOf } from '../../../src/venues/registry.ts';
import type { Venue } from '../../../src/venues/venue.ts';
import type { Chance } from '../random.ts';
import type { World } from '../world.ts';
import { Body } from './body.ts';
import { Custody, type Delivery } from './custody.ts';
import { MortalDisk } from './mortal-disk.ts';
import { MortalSink } from './mortal-sink.ts';
import { Reaper } from './reaper.ts';

export type RunParts = {
  readonly world: World;
  readonly config: Config;
  /** The program's own chance, and of what kills it. */
  readonly chance: Chance;
  readonly fate: Chance;
  readonly log: Log;
  /** What earlier processes have left in files and not synced. */
  readonly inherited: readonly Delivery[];
};

/**
 * One process of the program, from its start to its end: the real wiring, as the command `run` does
 * it, on what the world has.
 */
export class Run {
  readonly body = new Body();
  readonly reaper: Reaper;
  readonly custody: Custody;
  readonly startedAt: number;
  /** It found no checkpoint. */
  readonly isBlank: boolean;
  pipeline: Pipeline | undefined;
  /** Resolves when it has died or ended. */
  readonly over: Promise<void>;
  isOver = false;
  /** How it ended in good order. */
  outcome: Outcome | undefined;
  /** Why it could not start, or which invariant of the program broke. */
  failure: Error | undefined;
  readonly #world: World;

  constructor(parts: RunParts) {
    const { world, config, chance, fate, log } = parts;
    this.#world = world;
    this.startedAt = world.clock.now();
    this.isBlank = world.disk.names('/journal/checkpoint-').every((name) => name.endsWith('.tmp'));
    const { scenario, clock, faults } = world;
    this.reaper = new Reaper(scenario.deaths, this.body, clock, fate, faults);
    this.custody = new Custody(world.disk, parts.inherited, scenario.source.maxFrameBytes);
    world.disk.onlooker = this.custody;
    world.venue.onDelivered = (parcel) => {
      if (!this.body.isAlive) return;
      const now = clock.now();
      world.witness.hears(parcel, now, this.custody.takes(parcel, now));
    };
    const ended = this.body.hears(this.#through(config, chance, fate, log));
    this.over = Promise.race([this.body.death, ended]).then(
      (outcome) => {
        this.outcome = outcome ?? undefined;
        this.isOver = true;
      },
      (error: unknown) => {
        this.failure = error instanceof Error ? error : new Error(String(error));
        this.isOver = true;
      },
    );
  }

  async #through(config: Config, chance: Chance, fate: Chance, log: Log): Promise<Outcome> {
    const { scenario, clock, venue, database, disk } = this.#world;
    const { body, reaper } = this;
    const isRecovering = (): boolean => this.pipeline?.recovering ?? true;
    const around = {
      clock: body.clock(clock),
      random: chance.next,
      log,
      openSocket: body.sockets(venue.openSocket),
      venueOf: (id: string) => agedVenue(venueOf(id), scenario.venue.maxAgeMs),
      sink: new MortalSink({ sink: database, body, reaper, chance: fate }),
      disk: new MortalDisk({ disk, body, reaper, isRecovering }),
      lock: () => ({ release: () => undefined }),
    };
    const run = chance.integer(0, 2 ** 30 - 1);
    // Without a journal nothing is awaited: the recorded seeds live as they did.
    const journal = config.journal.enabled ? await openJournalPart(config, around) : undefined;
    this.pipeline = buildPipeline(config, around, run, journal);
    return this.pipeline.run();
  }
}

/** The real venue, whose connections live as long as the simulated one lets them. */
const agedVenue = (venue: Venue | undefined, maxAgeMs: number | undefined): Venue | undefined =>
  venue && { ...venue, facts: { ...venue.facts, maxConnectionAgeMs: maxAgeMs } };
