import { expect, test } from 'bun:test';
import type { Environment } from './environment.ts';
import { readOtel } from './otel.ts';
import type { Problem } from './problem.ts';
import { load } from './testing.ts';

const files: Readonly<Record<string, string>> = { 'ca.pem': 'CA', 'cert.pem': 'C', 'key.pem': 'K' };

const readFile = (path: string): string => {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  return text;
};

const read = (env: Environment) => {
  const problems: Problem[] = [];
  return { options: readOtel(env, readFile, problems), problems };
};

const O = 'OTEL_EXPORTER_OTLP_';

test('without a variable the specification’s defaults hold', () => {
  const { options, problems } = read({ [`${O}ENDPOINT`]: ' ', OTEL_SERVICE_NAME: '' });
  expect(problems).toEqual([]);
  expect(options).toEqual({
    url: 'http://localhost:4318/v1/traces',
    protocol: 'http/protobuf',
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    tls: { ca: undefined, cert: undefined, key: undefined },
    resource: { 'service.name': 'mdp' },
    sampler: 'parentbased_always_on',
    ratio: 1,
    maxQueueSize: 2048,
    maxExportBatchSize: 512,
    scheduleDelayMs: 5000,
    exportTimeoutMs: 30_000,
  });
});

test('each variable has its place, that of traces before the general one', () => {
  const general = {
    [`${O}ENDPOINT`]: 'https://collector:4318/base/',
    [`${O}PROTOCOL`]: 'http/json',
    [`${O}HEADERS`]: 'a=1,b=%20x%2C',
    [`${O}TIMEOUT`]: '700',
    [`${O}COMPRESSION`]: 'gzip',
    [`${O}CERTIFICATE`]: 'ca.pem',
    [`${O}CLIENT_CERTIFICATE`]: 'cert.pem',
    [`${O}CLIENT_KEY`]: 'key.pem',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,team=feeds',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5',
    OTEL_BSP_SCHEDULE_DELAY: '6',
    OTEL_BSP_EXPORT_TIMEOUT: '7',
  };
  const { options, problems } = read(general);
  expect(problems).toEqual([]);
  expect(options).toEqual({
    url: 'https://collector:4318/base/v1/traces',
    protocol: 'http/json',
    headers: { a: '1', b: ' x,' },
    timeoutMs: 700,
    compression: 'gzip',
    tls: { ca: 'CA', cert: 'C', key: 'K' },
    resource: { 'service.name': 'other', team: 'feeds' },
    sampler: 'parentbased_traceidratio',
    ratio: 0.25,
    maxQueueSize: 10,
    maxExportBatchSize: 5,
    scheduleDelayMs: 6,
    exportTimeoutMs: 7,
  });
  const own = read({
    ...general,
    [`${O}TRACES_ENDPOINT`]: 'http://traces/exactly',
    [`${O}TRACES_PROTOCOL`]: 'http/protobuf',
    [`${O}TRACES_HEADERS`]: 'b=2',
    [`${O}TRACES_TIMEOUT`]: '8',
    [`${O}TRACES_COMPRESSION`]: 'none',
    OTEL_SERVICE_NAME: 'mine',
  });
  expect(own.options).toMatchObject({
    url: 'http://traces/exactly',
    protocol: 'http/protobuf',
    headers: { a: '1', b: '2' },
    timeoutMs: 8,
    compression: 'none',
    resource: { 'service.name': 'mine', team: 'feeds' },
  });
});

test.each([{ OTEL_SDK_DISABLED: 'TRUE' }, { OTEL_TRACES_EXPORTER: 'none' }])(
  '%p switches it off',
  (env) => expect(read(env)).toEqual({ options: undefined, problems: [] }),
);

test.each([
  [`${O}ENDPOINT`, 'user:s3cret@collector:4318', 'not an http:// or https:// address'],
  [`${O}TRACES_ENDPOINT`, 'grpc://user:s3cret@x', 'not an http:// or https:// address'],
  [`${O}PROTOCOL`, 'grpc', 'allowed: http/protobuf, http/json'],
  [`${O}HEADERS`, 's3cret', 'allowed: key=value,key=value with values percent-encoded'],
  [`${O}TRACES_HEADERS`, 'a=%zzs3cret', 'allowed: key=value,key=value with values percent-encoded'],
  [`${O}TIMEOUT`, '10s', 'allowed: a whole number from 1 to 999999999'],
  [`${O}COMPRESSION`, 'zstd', 'allowed: none, gzip'],
  [`${O}CERTIFICATE`, 's3cret.pem', 'cannot read the file (ENOENT)'],
  ['OTEL_TRACES_EXPORTER', 'jaeger', 'allowed: otlp, none'],
  ['OTEL_TRACES_SAMPLER', 'some', /^allowed: always_on, .*, parentbased_traceidratio$/],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'allowed: a number from 0 to 1'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0', 'allowed: a whole number from 1 to 999999999'],
  ['OTEL_RESOURCE_ATTRIBUTES', '=x', /^allowed: key=value/],
])('%s=%s is refused by its name, without its value', (name, value, text) => {
  const { problems } = read({ [name]: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]?.place).toEqual({ kind: 'variable', name });
  expect(problems[0]?.text).toMatch(text);
  expect(JSON.stringify(problems)).not.toContain('s3cret');
});

test('is read with tracing on only', () => {
  const wrong = { OTEL_TRACES_SAMPLER: 'some' };
  expect(load({ env: wrong }).tracing).toBeUndefined();
  expect(() => load({ env: { ...wrong, PIPELINE_ENABLE_TRACING: 'true' } })).toThrow(
    'OTEL_TRACES_SAMPLER: allowed: always_on',
  );
});
