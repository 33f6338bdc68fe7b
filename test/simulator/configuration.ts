import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { MAX_AGE_MS, MAX_AHEAD_MS, type Scenario } from './scenario.ts';

/** As a user would write it, through the program's own loading. */
export const configOf = (scenario: Scenario, drainMs: number): Config => {
  const { source, pipeline, queues, sink, bars, journal } = scenario;
  const text = JSON.stringify({
    database: { url: 'sqlite:/simulated.db' },
    journal: journal === undefined ? { enabled: false } : journalKeys(journal),
    pipeline: {
      batch_size: pipeline.batchSize,
      flush_ms: pipeline.flushMs,
      drain_ms: drainMs,
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

const journalKeys = (journal: NonNullable<Scenario['journal']>) => ({
  dir: '/journal',
  fsync_ms: journal.fsyncMs,
  max_bytes: journal.maxBytes,
  min_free_bytes: journal.minFreeBytes,
  retain: `${journal.retainMs}ms`,
});
