import type { Config } from '../config/config.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { DeliveringTracer } from '../runtime/spans.ts';
import { timeframeSeconds } from '../market/timeframes.ts';
import type { Sink } from '../sinks/sink.ts';
import { parseDatabaseUrl } from '../sinks/database-url.ts';
import { createPostgresSink } from '../sinks/postgres/sink.ts';
import { createSqliteSink } from '../sinks/sqlite/sink.ts';
import { createSource } from '../sources/create.ts';
import { sourceName, type SourceEntry } from '../sources/settings.ts';
import type { OpenSocket } from '../sources/socket.ts';
import { venueOf } from '../venues/registry.ts';
import type { Venue } from '../venues/venue.ts';
import type { JournalPart } from './journal-part.ts';
import type { PipelineParts, PipelineSettings } from './pipeline-parts.ts';
import { Pipeline } from './pipeline.ts';
import type { RecordingPart } from './recording-part.ts';
import type { Span } from './rows.ts';
import { belongsTo, type Shard } from './shard.ts';
import type { SourcePart } from './source-set.ts';

/** Positions of runs are so far apart. */
const POSITIONS_PER_RUN = 2 ** 22;

export type Surroundings = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Default: the clients in `sources/web-socket`. */
  readonly openSocket?: OpenSocket;
  /** Default: the registry's. */
  readonly venueOf?: (id: string) => Venue | undefined;
  /** Default: the one that `database.url` names. */
  readonly sink?: Sink;
  /** Default: nobody traces. */
  readonly tracer?: DeliveringTracer | undefined;
};

/**
 * The program's pipeline from its configuration. `run` is 30 bits that tell the positions of this
 * run, or of this input, from any other's where there is no journal.
 */
export const buildPipeline = (
  config: Config,
  around: Surroundings,
  run: number,
  journal?: JournalPart,
): Pipeline => new Pipeline({ ...pipelineParts(config, around, run), journal });

const pipelineParts = (config: Config, around: Surroundings, run: number): PipelineParts => ({
  ...around,
  settings: pipelineSettings(config),
  sources: sourceParts(config, around),
  sink: around.sink ?? createSink(config, around),
  venueOf: around.venueOf ?? venueOf,
  start: (run + 1) * POSITIONS_PER_RUN,
  journal: undefined,
});

/** What a replay does otherwise than a run. */
export type ReplayOptions = {
  /** Records of a journal in place of sources. */
  readonly recording: RecordingPart | undefined;
  /** Only rows of this time are stored; undefined = all. */
  readonly span: Span | undefined;
  /** Of its bars: higher ones replace what is stored. */
  readonly epoch: number;
};

/** The pipeline of a replay: as `buildPipeline`, without a journal of its own. */
export const buildReplay = (
  config: Config,
  around: Surroundings,
  run: number,
  { recording, span, epoch }: ReplayOptions,
): Pipeline => {
  const parts = pipelineParts(config, around, run);
  const operators = { ...parts.settings.operators, epoch };
  const settings = { ...parts.settings, operators, span };
  return new Pipeline({ ...parts, settings, recording });
};

/** The sources of a configuration as the pipeline takes them. */
export const sourceParts = (config: Config, around: Surroundings): readonly SourcePart[] =>
  config.sources.map((entry) => sourcePart(entry, config.shard, around));

/** 30 random bits. */
export const randomRun = (random: () => number): number => Math.floor(random() * 2 ** 30);

/** The sink that `database.url` names. */
export const createSink = (config: Config, around: Surroundings): Sink => {
  const database = parseDatabaseUrl(config.database.url);
  if (database?.kind === 'sqlite') {
    const { migrate } = config.database;
    return createSqliteSink({ path: database.path, migrate, ...around });
  }
  const { retention, compressAfter, sslmode, sslCa, ...settings } = config.database;
  return createPostgresSink({
    ...settings,
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
  backpressurePolicy: canAllWait(config.sources) ? 'block' : config.sink.backpressurePolicy,
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

/** What can be read again waits whatever the policy: a replay gives nothing up. */
const canAllWait = (sources: Config['sources']): boolean =>
  sources.every(({ type }) => type === 'replay');

const secondsOf = (name: string): number => {
  const seconds = timeframeSeconds(name);
  if (seconds !== undefined) return seconds;
  throw new MdpError('invariant', `the configuration let the timeframe ${name} pass`);
};

const sourcePart = (entry: SourceEntry, shard: Shard, around: Surroundings): SourcePart => {
  const name = sourceName(entry);
  const id = entry.type === 'replay' ? entry.venue : entry.type;
  const venue = (around.venueOf ?? venueOf)(id);
  if (venue === undefined) {
    throw new MdpError('invariant', `the configuration let the venue ${id} pass`);
  }
  const spelled = spelledEntry(entry, venue);
  const own = sharedEntry(spelled, shard);
  return {
    name,
    venue,
    rereadable: entry.type === 'replay',
    symbols: spelled.symbols === undefined ? undefined : new Set(spelled.symbols),
    entry: own,
    create: (intake) => createSource(own, { name, venue, intake, ...around }),
  };
};

/** The entry with its symbols as the venue spells them in what it sends. */
const spelledEntry = (entry: SourceEntry, venue: Venue): SourceEntry => {
  if (entry.type === 'replay' || entry.type === 'synthetic') return entry;
  const { symbols, channels, url, trades } = entry;
  const plans = venue.plan({ symbols, channels, url, trades });
  return { ...entry, symbols: plans.flatMap((plan) => plan.symbols) };
};

/**
 * The entry with this process's share of its symbols only, so that no more is subscribed to than is
 * kept.
 */
const sharedEntry = (entry: SourceEntry, shard: Shard): SourceEntry =>
  entry.type === 'replay' || entry.type === 'synthetic'
    ? entry
    : { ...entry, symbols: entry.symbols.filter((symbol) => belongsTo(shard, entry.type, symbol)) };
