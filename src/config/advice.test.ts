import { expect, test } from 'bun:test';
import { advice } from './advice.ts';
import { pathText } from './place.ts';
import { shippedConfig } from './shipped.ts';
import { type Given, load } from './testing.ts';

const warned = (given: Given): readonly string[] =>
  advice(load({ sources: 'ignored', ...given })).map(({ path }) => pathText(path));

const server = { DATABASE_URL: 'postgres://host/db' };

test('has nothing to say of the shipped configuration', () => {
  expect(warned({ files: { 'config.yaml': shippedConfig } })).toEqual([]);
});

const unwise: readonly (readonly [what: string, env: Given['env'], key: string])[] = [
  [
    'a batch that is only ever cut by age',
    { PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '100' },
    'pipeline.batch_size',
  ],
  ['a batch larger than all memory', { PIPELINE_MAX_MEMORY_BYTES: '1MiB' }, 'pipeline.max_bytes'],
  ['a drain shorter than a flush', { PIPELINE_DRAIN_MS: '50' }, 'pipeline.drain_ms'],
  ['a burst without a rate', { PIPELINE_PACING_BUDGET_BURST: '5' }, 'pacing.budget.burst'],
  [
    'a policy that drops',
    { PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_newest' },
    'sink.backpressure_policy',
  ],
  [
    'a metrics port without metrics',
    { PIPELINE_METRICS_PORT: '9090', PIPELINE_ENABLE_METRICS: 'false' },
    'telemetry.metrics_port',
  ],
  ['protection without keys', { PIPELINE_HTTP_PROTECT_METRICS: 'true' }, 'http.protect_metrics'],
  ['retention with SQLite', { PIPELINE_DATABASE_RETENTION: '7d' }, 'database.retention'],
  ['workers with SQLite', { PIPELINE_SINK_WORKERS: '4' }, 'sink.workers'],
  ['a CA that nobody asks', { ...server, PIPELINE_DATABASE_SSL_CA: 'ca.pem' }, 'database.ssl_ca'],
  [
    'compression after the end',
    { ...server, PIPELINE_DATABASE_RETENTION: '7d' },
    'database.compress_after',
  ],
  ['a key that can be guessed', { API_KEY: 'short' }, 'http.api_keys'],
  ['an open address without keys', { PIPELINE_HTTP_HOST: '0.0.0.0' }, 'http.host'],
  [
    'keys in clear',
    { PIPELINE_HTTP_HOST: '0.0.0.0', API_KEY: 'a-key-of-thirty-two-characters-ok' },
    'http.tls.cert',
  ],
  ['quotes that are not stored', { PIPELINE_DATABASE_STORE: 'trades' }, 'sources[0].channels'],
  [
    'an instrument of two sources',
    {
      PIPELINE_SOURCES:
        '[{"type":"kraken","symbols":["A/B"]},{"type":"kraken","name":"b","symbols":["A/B"]}]',
    },
    'sources[1].symbols',
  ],
];

test.each(unwise)('warns of %s', (_, env, key) => {
  expect(warned({ env: env ?? {} })).toEqual([key]);
});

test('takes a CA that is asked for, and keys that cannot be guessed', () => {
  const env = {
    DATABASE_URL: 'postgres://host/db?sslmode=verify-full',
    PIPELINE_DATABASE_SSL_CA: 'ca.pem',
    PIPELINE_HTTP_HOST: '0.0.0.0',
    PIPELINE_HTTP_TLS_CERT: 'tls.crt',
    PIPELINE_HTTP_TLS_KEY: 'tls.key',
    API_KEY: 'a-key-of-thirty-two-characters-ok',
  };
  expect(warned({ env })).toEqual([]);
  const required = { ...env, DATABASE_URL: 'postgres://host/db?sslmode=require' };
  expect(warned({ env: required })).toEqual([]);
});
