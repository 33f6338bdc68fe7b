import { expect, test } from 'bun:test';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { silentLog } from '../../test/venue/silent-log.ts';
import { MdpError } from '../runtime/errors.ts';
import { createSqliteSink } from '../sinks/sqlite/sink.ts';
import { createSyntheticSource } from '../sources/synthetic.ts';
import type { SyntheticEntry } from '../sources/settings.ts';
import { synthetic } from '../venues/synthetic/synthetic.ts';
import { healthOf } from './health.ts';
import type { PipelineSettings } from './pipeline-parts.ts';
import { Pipeline } from './pipeline.ts';

const settings: PipelineSettings = {
  batchSize: 100,
  flushMs: 50,
  maxBytes: 1_000_000,
  drainMs: 1000,
  opQueueMax: 4,
  sinkQueueMax: 4,
  maxMemoryBytes: 1_000_000,
  dropPolicy: 'newest',
  sinkWorkers: 1,
  backpressurePolicy: 'block',
  maxMsgsPerSec: 0,
  burst: 0,
  store: new Set(['trades']),
  shard: { index: 0, count: 1 },
  operators: {
    validate: { maxAgeMs: 0, maxAheadMs: 0 },
    bars: { timeframes: [60], allowedLatenessMs: 0, empty: 'none' },
    epoch: 0,
  },
};

const entry: SyntheticEntry = {
  type: 'synthetic',
  channels: ['trades'],
  count: 1,
  rate: 1000,
  seed: 1,
  odd: { late: 0, duplicate: 0, gap: 0 },
};

/** A pipeline whose source is open and whose database is connected; nobody reads its queue. */
const running = () => {
  const clock = new HandClock(1_795_435_200_000_000);
  const sink = createSqliteSink({ path: 'never-opened.db', migrate: true, clock, log: silentLog });
  const name = 'made-up';
  const part = {
    name,
    venue: synthetic,
    rereadable: false,
    symbols: undefined,
    entry,
    create: (intake: Parameters<typeof createSyntheticSource>[1]['intake']) =>
      createSyntheticSource(entry, { name, clock, intake }),
  };
  const surroundings = { clock, random: () => 0, log: silentLog, sink };
  const pipeline = new Pipeline({
    ...surroundings,
    settings,
    sources: [part],
    venueOf: () => synthetic,
    start: 1,
    journal: undefined,
  });
  pipeline.sourceSet.start();
  pipeline.sinkStats.opened();
  return { pipeline, clock, status: () => healthOf(pipeline, clock.now()).status };
};

test('is unhealthy while frames are dropped, degraded for a minute after, then healthy', () => {
  const { pipeline, clock, status } = running();
  expect(status()).toBe('healthy');
  clock.advance(5000);
  expect(pipeline.lastLossAt).toBeDefined();
  expect(status()).toBe('unhealthy');
  while (pipeline.buffer.take() !== undefined);
  clock.advance(1000);
  expect(status()).toBe('unhealthy');
  for (let second = 0; second < 58; second += 1) {
    clock.advance(1000);
    while (pipeline.buffer.take() !== undefined);
  }
  expect(status()).toBe('degraded');
  clock.advance(2000);
  expect(status()).toBe('healthy');
});

test('is degraded while the database is away, unhealthy where only an operator can help', () => {
  const { pipeline, clock, status } = running();
  const away = new MdpError('database_away', 'nobody answers', { retry: true });
  pipeline.sinkStats.failed(away, 0, clock.now(), false);
  expect(status()).toBe('degraded');
  const newer = new MdpError('schema_newer', 'a newer schema');
  pipeline.sinkStats.failed(newer, 0, clock.now(), false);
  expect(status()).toBe('unhealthy');
  pipeline.sinkStats.succeeded(clock.now());
  expect(status()).toBe('healthy');
});

test('is degraded while its source is down', async () => {
  const { pipeline, status } = running();
  await pipeline.sourceSet.stop();
  expect(status()).toBe('degraded');
});
