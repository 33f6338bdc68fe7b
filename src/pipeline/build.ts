import type { Config } from '../config/config.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { timeframeSeconds } from '../market/timeframes.ts';
import type { Sink } from '../sinks/sink.ts';
import { createPostgresSink } from '../sinks/postgres/sink.ts';
import { createSqliteSink } from '../sinks/sqlite/sink.ts';
import { createSource } from '../sources/create.ts';
import { sourceName, type SourceEntry } from '../sources/settings.ts';
import { venueOf } from '../venues/registry.ts';
import type { Venue } from '../venues/venue.ts';
import { Pipeline, type PipelineSettings, type SourcePart } from './pipeline.ts';
import { belongsTo, type Shard } from './shard.ts';

export type Surroundings = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
};

/** The program's pipeline from its configuration. `run`: see `PipelineParts.run`. */
export const buildPipeline = (config: Config, around: Surroundings, run: number): Pipeline =>
  new Pipeline({
    ...around,
    settings: pipelineSettings(config),
    sources: config.sources.map((entry) => sourcePart(entry, config.shard, around)),
    sink: createSink(config, around),
    run,
  });

/** 30 random bits. */
export const randomRun = (random: () => number): number => Math.floor(random() * 2 ** 30);

/** The sink that `database.url` names. */
export const createSink = (config: Config, around: Surroundings): Sink => {
  const { url } = config.database;
  if (url.startsWith('sqlite:')) {
    return createSqliteSink({
      path: url.slice('sqlite:'.length),
      migrate: config.database.migrate,
      clock: around.clock,
      log: around.log,
    });
  }
  const { retention, compressAfter, sslmode, sslCa, ...database } = config.database;
  return createPostgresSink({
    ...database,
    sslmode,
    sslCa,
    retentionMs: retention === 'keep' ? undefined : retention,
    compressAfterMs: compressAfter,
    workers: config.sink.workers,
    ...around,
  });
};

const pipelineSettings = (config: Config): PipelineSettings => ({
  ...config.pipeline,
  ...config.queues,
  sinkWorkers: config.sink.workers,
  backpressurePolicy: config.sink.backpressurePolicy,
  ...config.pacing.budget,
  store: new Set(config.database.store),
  shard: config.shard,
  operators: {
    validate: config.operators.validate,
    bars: {
      ...config.operators.bars,
      timeframes: config.operators.bars.timeframes.map(secondsOf).toSorted((a, b) => a - b),
    },
    epoch: 0,
  },
});

const secondsOf = (name: string): number => {
  const seconds = timeframeSeconds(name);
  if (seconds !== undefined) return seconds;
  throw new MdpError('invariant', `the configuration let the timeframe ${name} pass`);
};

const sourcePart = (entry: SourceEntry, shard: Shard, around: Surroundings): SourcePart => {
  const name = sourceName(entry);
  const venue = knownVenue(entry.type === 'replay' ? entry.venue : entry.type);
  const own = sharedEntry(entry, shard);
  return {
    name,
    venue,
    rereadable: entry.type === 'replay',
    symbols: entry.symbols === undefined ? undefined : new Set(entry.symbols),
    create: (intake) => createSource(own, { name, venue, intake, ...around }),
  };
};

const knownVenue = (id: string): Venue => {
  const venue = venueOf(id);
  if (venue !== undefined) return venue;
  throw new MdpError('invariant', `the configuration let the venue ${id} pass`);
};

/** The entry with this process's share of its symbols only, so that no more is subscribed to than is kept. */
const sharedEntry = (entry: SourceEntry, shard: Shard): SourceEntry =>
  entry.type === 'replay' || entry.type === 'synthetic'
    ? entry
    : { ...entry, symbols: entry.symbols.filter((symbol) => belongsTo(shard, entry.type, symbol)) };
