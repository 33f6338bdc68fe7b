import { expect, test } from 'bun:test';
import { camelKey } from './camel.ts';
import { variables } from './environment.ts';
import { leaves } from './leaves.ts';
import { load } from './testing.ts';

/** For every key a text that is not its default, and what it means. */
const samples: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  'operators.bars.timeframes': ['5s, 1d', ['5s', '1d']],
  'operators.bars.allowed_lateness_ms': ['7', 7],
  'operators.bars.empty': ['flat', 'flat'],
  'operators.validate.max_age_ms': ['0', 0],
  'operators.validate.max_ahead_ms': ['1', 1],
  'pipeline.batch_size': ['5', 5],
  'pipeline.flush_ms': ['6', 6],
  'pipeline.max_bytes': ['8KiB', 8192],
  'pipeline.drain_ms': ['9', 9],
  'queues.op_queue_max': ['10', 10],
  'queues.sink_queue_max': ['11', 11],
  'queues.max_memory_bytes': ['1048576', 1_048_576],
  'queues.drop_policy': ['block', 'block'],
  'pacing.budget.max_msgs_per_sec': ['12', 12],
  'pacing.budget.burst': ['13', 13],
  'sink.workers': ['3', 3],
  'sink.backpressure_policy': ['drop_newest', 'drop_newest'],
  'database.url': ['sqlite:./other.db', 'sqlite:./other.db'],
  'database.schema': ['other', 'other'],
  'database.migrate': ['false', false],
  'database.sslmode': ['require', 'require'],
  'database.ssl_ca': ['ca.pem', 'ca.pem'],
  'database.store': ['trades,bars', ['trades', 'bars']],
  'database.retention': ['30d', 30 * 86_400_000],
  'database.compress_after': ['12h', 12 * 3_600_000],
  'journal.enabled': ['false', false],
  'journal.dir': ['/tmp/j', '/tmp/j'],
  'journal.fsync_ms': ['0', 0],
  'journal.max_bytes': ['1GB', 1_000_000_000],
  'journal.min_free_bytes': ['0', 0],
  'journal.retain': ['0', 0],
  'http.host': ['::', '::'],
  'http.port': ['0', 0],
  'http.api_keys': ['one, two', ['one', 'two']],
  'http.protect_metrics': ['true', true],
  'http.max_requests_per_sec': ['7', 7],
  'http.tls.cert': ['a.crt', 'a.crt'],
  'http.tls.key': ['a.key', 'a.key'],
  'http.tls.client_ca': ['ca.crt', 'ca.crt'],
  'http.audit_log': ['audit.log', 'audit.log'],
  'telemetry.enable_metrics': ['false', false],
  'telemetry.enable_tracing': ['true', true],
  'telemetry.metrics_port': ['8080', 8080],
  'log.level': ['debug', 'debug'],
  'log.format': ['text', 'text'],
  'shard.index': ['2', 2],
  'shard.count': ['4', 4],
};

/** Settings that mean nothing alone. */
const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'shard.index': { PIPELINE_SHARD_COUNT: '3' },
  'http.tls.cert': { PIPELINE_HTTP_TLS_KEY: 'a.key' },
  'http.tls.key': { PIPELINE_HTTP_TLS_CERT: 'a.crt' },
  'http.tls.client_ca': { PIPELINE_HTTP_TLS_CERT: 'a.crt', PIPELINE_HTTP_TLS_KEY: 'a.key' },
};

function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? Reflect.get(value, camelKey(key)) : undefined,
    config,
  );
}

const scalars = leaves.filter(({ key }) => key !== 'sources');

test('has a sample for every setting', () => {
  expect(Object.keys(samples).toSorted()).toEqual(scalars.map(({ key }) => key).toSorted());
});

test('names every setting by exactly one variable', () => {
  expect(new Set(leaves.map(({ variable }) => variable)).size).toBe(leaves.length);
  expect(new Set(variables).size).toBe(variables.length);
  for (const { variable } of leaves) expect(variables).toContain(variable);
});

test.each(scalars.map((leaf) => [leaf.variable, leaf] as const))('%s takes effect', (_, leaf) => {
  const [text, value] = samples[leaf.key] ?? ['', undefined];
  const env = { ...companions[leaf.key], [leaf.variable]: text };
  expect(valueAt(load({}).config, leaf.path)).not.toEqual(value);
  expect(valueAt(load({ env }).config, leaf.path)).toEqual(value);
});

test('PIPELINE_SOURCES takes effect', () => {
  const env = { PIPELINE_SOURCES: '[{"type":"kraken","symbols":["BTC/USD"]}]' };
  expect(load({ env }).config.sources).toMatchObject([{ type: 'kraken', symbols: ['BTC/USD'] }]);
});
