import { describe, expect, test } from 'bun:test';
import { placeText } from './place.ts';
import { load } from './testing.ts';

/** The blocks of the deployment guide, as they stand there. */
const guideFile = `# config.yaml
pipeline:
  batch_size: 500
  flush_ms: 100
  max_bytes: 512000

queues:
  op_queue_max: 8
  sink_queue_max: 16
  drop_policy: "oldest"
`;
const guideVariables = `
PIPELINE_BATCH_SIZE=1000
PIPELINE_FLUSH_MS=50
PIPELINE_MAX_BYTES=1048576
PIPELINE_OP_QUEUE_MAX=16
PIPELINE_SINK_QUEUE_MAX=32
PIPELINE_DROP_POLICY=newest
PIPELINE_SINK_WORKERS=4
PIPELINE_SINK_QUEUE_MAX=200
PIPELINE_SINK_BACKPRESSURE_POLICY=drop_oldest
PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC=2000
PIPELINE_PACING_BUDGET_BURST=2000
PIPELINE_ENABLE_METRICS=true
PIPELINE_ENABLE_TRACING=true
PIPELINE_METRICS_PORT=8080
`;
const guideEnv: Readonly<Record<string, string>> = Object.fromEntries(
  [...guideVariables.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);

describe('the deployment guide', () => {
  test("takes the guide's config.yaml as it is", () => {
    const { config } = load({ files: { 'config.yaml': guideFile } });
    expect(config.pipeline).toMatchObject({ batchSize: 500, flushMs: 100, maxBytes: 512_000 });
    expect(config.queues).toMatchObject({ opQueueMax: 8, sinkQueueMax: 16, dropPolicy: 'oldest' });
  });

  test("takes the guide's variables as they are, the last word on a doubled one", () => {
    const { config } = load({ env: guideEnv });
    expect(config.pipeline).toMatchObject({ batchSize: 1000, flushMs: 50, maxBytes: 1_048_576 });
    expect(config.queues).toMatchObject({
      opQueueMax: 16,
      sinkQueueMax: 200,
      dropPolicy: 'newest',
    });
    expect(config.sink).toEqual({ workers: 4, backpressurePolicy: 'drop_oldest' });
    expect(config.pacing.budget).toEqual({ maxMsgsPerSec: 2000, burst: 2000 });
    expect(config.telemetry).toEqual({
      enableMetrics: true,
      enableTracing: true,
      metricsPort: 8080,
    });
  });
});

describe('precedence', () => {
  const files = { 'config.yaml': guideFile };

  test('takes the default, then the file, then the environment', () => {
    expect(load({}).config.pipeline.batchSize).toBe(20_000);
    expect(load({ files }).config.pipeline.batchSize).toBe(500);
    expect(load({ files, env: { PIPELINE_BATCH_SIZE: '7' } }).config.pipeline.batchSize).toBe(7);
  });

  test('takes an empty variable as unset', () => {
    expect(load({ files, env: { PIPELINE_BATCH_SIZE: ' ' } }).config.pipeline.batchSize).toBe(500);
  });

  test('knows who said a value', () => {
    const { said } = load({ files, env: { PIPELINE_FLUSH_MS: '9' } });
    const origins = ['batch_size', 'flush_ms', 'drain_ms'].map((key) =>
      placeText(said(['pipeline', key]).place),
    );
    expect(origins).toEqual(['config.yaml:3:15', 'PIPELINE_FLUSH_MS', 'default']);
  });

  test('reads the named file instead of config.yaml', () => {
    const other = { ...files, 'other.yaml': 'pipeline: {batch_size: 3}' };
    expect(load({ files: other, path: 'other.yaml' }).config.pipeline.batchSize).toBe(3);
  });

  test('takes a section whose keys are all commented out, and an empty file', () => {
    const empty = 'pipeline:\n#  batch_size: 5\nsources:\n';
    expect(load({ files: { 'config.yaml': empty } }).config).toEqual(load({}).config);
    expect(load({ files: { 'config.yaml': '' } }).config).toEqual(load({}).config);
  });
});

describe('sources', () => {
  const coinbase =
    'sources:\n  - {type: coinbase, name: main, symbols: [BTC-USD], connections: 2}\n';
  const two = `${coinbase}  - {type: synthetic, rate: 5}\n`;
  const server = { DATABASE_URL: 'postgres://host/db' };

  test('are made up for SQLite only', () => {
    expect(load({}).config.sources).toMatchObject([{ type: 'synthetic', rate: 100 }]);
    expect(load({ env: server, sources: 'ignored' }).config.sources).toEqual([]);
  });

  test('are picked by --source: by name, by type, else made', () => {
    const given = (source: string) =>
      load({ files: { 'config.yaml': two }, overrides: { source } });
    expect(given('main').config.sources).toMatchObject([{ type: 'coinbase', connections: 2 }]);
    expect(given('synthetic').config.sources).toMatchObject([{ type: 'synthetic', rate: 5 }]);
    const made = load({ env: server, overrides: { source: 'kraken', symbols: ['BTC/USD'] } });
    expect(made.config.sources).toMatchObject([{ type: 'kraken', symbols: ['BTC/USD'] }]);
  });

  test('take the symbols of --symbols and keep what else was configured', () => {
    const { config, said } = load({
      files: { 'config.yaml': coinbase },
      overrides: { symbols: ['ETH-USD', ' SOL-USD'] },
    });
    expect(config.sources).toMatchObject([{ symbols: ['ETH-USD', 'SOL-USD'], connections: 2 }]);
    expect(placeText(said(['sources', 0, 'symbols']).place)).toBe('--symbols');
    expect(placeText(said(['sources', 0, 'connections']).place)).toBe('config.yaml:2:67');
  });

  test('of the environment stand for those of the file', () => {
    const env = { PIPELINE_SOURCES: '[{"type":"synthetic","seed":9}]' };
    const { config } = load({ files: { 'config.yaml': two }, env });
    expect(config.sources).toMatchObject([{ type: 'synthetic', seed: 9 }]);
  });
});

describe('secrets', () => {
  test('come from a variable or a file, without the line end', () => {
    const files = { url: 'sqlite:./a.db\n', keys: 'one\n\ntwo\n' };
    const { config } = load({ files, env: { DATABASE_URL_FILE: 'url', API_KEY_FILE: 'keys' } });
    expect(config.database.url).toBe('sqlite:./a.db');
    expect(config.http.apiKeys).toEqual(['one', 'two']);
  });

  test('may be said twice if they agree', () => {
    const env = { API_KEY: 'one,two', API_KEY_FILE: 'keys', PIPELINE_HTTP_API_KEYS: 'one, two' };
    const { config } = load({ files: { keys: 'one\ntwo' }, env });
    expect(config.http.apiKeys).toEqual(['one', 'two']);
  });

  test('of the environment stand for those of the file', () => {
    const files = { 'config.yaml': 'database: {url: "sqlite:a.db"}' };
    expect(load({ files, env: { DATABASE_URL: 'sqlite:b.db' } }).config.database.url).toBe(
      'sqlite:b.db',
    );
  });
});

test('ignores what platforms inject, with one note', () => {
  const env = {
    PIPELINE_WORKSPACE: '/work',
    PIPELINE_PORT: 'tcp://10.0.0.1:80',
    PIPELINE_PORT_80_TCP_ADDR: '10.0.0.1',
    PIPELINE_API_SERVICE_HOST: '10.0.0.1',
    PIPELINE_SERVICE_PORT_HTTP: '80',
  };
  const { config, notes } = load({ env });
  expect(config).toEqual(load({}).config);
  expect(notes).toHaveLength(1);
  for (const name of Object.keys(env)) expect(notes[0]).toContain(name);
});

test('gives a configuration that is frozen at every depth', () => {
  const { config } = load({});
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  expect(isFrozen(config)).toBe(true);
});
