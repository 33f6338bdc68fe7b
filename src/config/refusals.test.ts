import { describe, expect, test } from 'bun:test';
import { type Given, refusal } from './testing.ts';

/**
 * One rule broken: what was written, where that is seen, and words that say what was found and the
 * cure.
 */
type Broken = {
  readonly rule: string;
  readonly yaml?: string;
  readonly given?: Given;
  readonly at: string;
  readonly says: readonly string[];
};

const broken: readonly Broken[] = [
  {
    rule: 'a section that does not exist',
    yaml: 'pipelines:\n  batch_size: 5',
    at: 'config.yaml:1:1: pipelines:',
    says: ['unknown key', 'did you mean pipeline?', 'allowed: sources, operators'],
  },
  {
    rule: 'a key that does not exist',
    yaml: 'pipeline:\n  batch_size: 5\n  flush_msec: 5',
    at: 'config.yaml:3:3: pipeline.flush_msec:',
    says: ['unknown key', 'did you mean flush_ms?', 'allowed: batch_size'],
  },
  {
    rule: 'a key in the wrong section',
    yaml: 'pipeline:\n  op_queue_max: 5',
    at: 'config.yaml:2:3: pipeline.op_queue_max:',
    says: ['unknown key', 'did you mean queues.op_queue_max?'],
  },
  {
    rule: 'a key that every object has by inheritance',
    yaml: '__proto__:\n  a: 1',
    at: 'config.yaml:1:1: __proto__:',
    says: ['unknown key'],
  },
  {
    rule: 'a merge key',
    yaml: 'queues: &b {op_queue_max: 5}\npipeline:\n  <<: *b',
    at: 'config.yaml:3:3: pipeline.<<:',
    says: ['unknown key'],
  },
  {
    rule: 'text where a number belongs',
    yaml: 'pipeline:\n  batch_size: many',
    at: 'config.yaml:2:15: pipeline.batch_size:',
    says: ['found "many"', 'allowed: an integer from 1 to 1000000'],
  },
  {
    rule: 'a number in quotes',
    yaml: 'pipeline:\n  batch_size: "500"',
    at: 'config.yaml:2:15: pipeline.batch_size:',
    says: ['found "500"', 'without quotes'],
  },
  {
    rule: 'a fraction where an integer belongs',
    yaml: 'pipeline:\n  batch_size: 1.5',
    at: 'config.yaml:2:15: pipeline.batch_size:',
    says: ['found 1.5', 'an integer'],
  },
  {
    rule: 'infinity',
    yaml: 'queues: {op_queue_max: .inf}',
    at: 'config.yaml:1:24: queues.op_queue_max:',
    says: ['found Infinity', 'an integer from 1 to 65536'],
  },
  {
    rule: 'a number below its bound',
    yaml: 'queues:\n  sink_queue_max: 0',
    at: 'config.yaml:2:19: queues.sink_queue_max:',
    says: ['found 0', 'an integer from 1 to 65536'],
  },
  {
    rule: 'a number above its bound',
    yaml: 'http:\n  port: 65536',
    at: 'config.yaml:2:9: http.port:',
    says: ['found 65536', 'an integer from 0 to 65535'],
  },
  {
    rule: 'a key without a value',
    yaml: 'pipeline:\n  batch_size:\n  flush_ms: 5',
    at: 'config.yaml:2:14: pipeline.batch_size:',
    says: ['found nothing', 'an integer'],
  },
  {
    rule: 'another word than true or false',
    yaml: 'telemetry:\n  enable_metrics: yes',
    at: 'config.yaml:2:19: telemetry.enable_metrics:',
    says: ['found "yes"', 'allowed: true or false'],
  },
  {
    rule: 'a drop policy that does not exist',
    yaml: 'queues:\n  drop_policy: old',
    at: 'config.yaml:2:16: queues.drop_policy:',
    says: ['found "old"', 'allowed: one of oldest, newest, block'],
  },
  {
    rule: 'a backpressure policy with a slip',
    yaml: 'sink:\n  backpressure_policy: drop_oldst',
    at: 'config.yaml:2:24: sink.backpressure_policy:',
    says: ['did you mean drop_oldest?'],
  },
  {
    rule: 'a size with an unknown unit',
    yaml: 'pipeline:\n  max_bytes: 4 apples',
    at: 'config.yaml:2:14: pipeline.max_bytes:',
    says: ['found "4 apples"', 'bytes from 1KiB to 256MiB', 'like 512KiB, 4MiB'],
  },
  {
    rule: 'a time without a unit',
    yaml: 'journal:\n  retain: 90',
    at: 'config.yaml:2:11: journal.retain:',
    says: ['found 90', 'like 30s, 5m, 12h, 7d'],
  },
  {
    rule: 'a retention that is neither keep nor a time',
    yaml: 'database:\n  retention: forever',
    at: 'config.yaml:2:14: database.retention:',
    says: ['found "forever"', 'keep', 'like 30d'],
  },
  {
    rule: 'a value where a section belongs',
    yaml: 'pipeline: 5',
    at: 'config.yaml:1:11: pipeline:',
    says: ['found 5', 'allowed: batch_size, flush_ms'],
  },
  {
    rule: 'a list at the top',
    yaml: '- pipeline',
    at: 'config.yaml:1:1: found ["pipeline"]',
    says: ['allowed: sources, operators'],
  },
  {
    rule: 'the same key twice',
    yaml: 'pipeline:\n  batch_size: 5\n  batch_size: 6',
    at: 'config.yaml:3:3: found the same key twice',
    says: ['keep one of the two'],
  },
  {
    rule: 'a tab as indentation',
    yaml: 'pipeline:\n\tbatch_size: 5',
    at: 'config.yaml:2:1: found a tab',
    says: ['indent with spaces'],
  },
  {
    rule: 'keys that do not stand in one column',
    yaml: 'pipeline:\n   batch_size: 5\n  flush_ms: 5',
    at: 'config.yaml:3:1: found a wrong indentation',
    says: ['keys of one section begin in the same column'],
  },
  {
    rule: 'a text that does not end',
    yaml: 'log:\n  level: "info',
    at: 'config.yaml:2:15: found no end',
    says: ['close it'],
  },
  {
    rule: 'two keys in one line',
    yaml: 'log: level: info',
    at: 'config.yaml:1:6: found a second ": "',
    says: ['one key a line'],
  },
  {
    rule: 'two documents',
    yaml: 'log: {}\n---\nlog: {}',
    at: 'config.yaml:2:1: found a second document',
    says: ['remove the line ---'],
  },
  {
    rule: 'a tag',
    yaml: 'database:\n  url: !env DATABASE_URL',
    at: 'config.yaml:2:8: found text that begins with !',
    says: ['put it in quotes'],
  },
  {
    rule: 'an alias without its anchor',
    yaml: 'log:\n  level: *level',
    at: 'config.yaml:1:1: found an alias',
    says: ['anchor'],
  },
  {
    rule: 'lists in lists without end',
    yaml: `log: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    at: 'config.yaml:1:',
    says: ['nested too deeply'],
  },
  {
    rule: 'a file that is no configuration by its size',
    yaml: `# ${'x'.repeat(1024 * 1024)}`,
    at: 'config.yaml:1:1: longer than',
    says: ['1048576 characters'],
  },
  {
    rule: 'a source that is no map',
    yaml: 'sources: [coinbase]',
    at: 'config.yaml:1:11: sources[0]:',
    says: ['found "coinbase"', 'allowed: keys with values'],
  },
  {
    rule: 'a source without a type',
    yaml: 'sources:\n  - symbols: [BTC-USD]',
    at: 'config.yaml:2:5: sources[0].type:',
    says: ['found nothing', 'one of binance, coinbase, kraken, synthetic, replay'],
  },
  {
    rule: 'a type of source with a slip',
    yaml: 'sources:\n  - type: coinbse\n    symbols: [BTC-USD]',
    at: 'config.yaml:2:11: sources[0].type:',
    says: ['did you mean coinbase?'],
  },
  {
    rule: 'a key that this type of source does not have',
    yaml: 'sources:\n  - type: coinbase\n    symbols: [BTC-USD]\n    seed: 5',
    at: 'config.yaml:4:5: sources[0].seed:',
    says: ['unknown key', 'allowed: type, name, symbols'],
  },
  {
    rule: 'a venue without symbols',
    yaml: 'sources:\n  - type: kraken',
    at: 'config.yaml:2:5: sources[0].symbols:',
    says: ['found nothing', 'a list of 1 to 10000'],
  },
  {
    rule: 'an empty list of symbols',
    yaml: 'sources:\n  - type: kraken\n    symbols: []',
    at: 'config.yaml:3:14: sources[0].symbols:',
    says: ['found []', 'a list of 1 to 10000'],
  },
  {
    rule: 'a symbol twice',
    yaml: 'sources:\n  - type: kraken\n    symbols: [BTC/USD, BTC/USD]',
    at: 'config.yaml:3:14: sources[0].symbols:',
    says: ['found ["BTC/USD", "BTC/USD"]', 'twice'],
  },
  {
    rule: 'two sources of one name',
    yaml: 'sources:\n  - {type: synthetic, name: a}\n  - {type: synthetic, name: a}',
    at: 'config.yaml:2:3: sources:',
    says: ['same name', 'its own `name`'],
  },
  {
    rule: 'a channel that does not exist',
    yaml: 'sources:\n  - type: kraken\n    symbols: [BTC/USD]\n    channels: [trades, books]',
    at: 'config.yaml:4:24: sources[0].channels[1]:',
    says: ['found "books"', 'one of trades, quotes'],
  },
  {
    rule: 'an address of a source that is no WebSocket',
    yaml: 'sources:\n  - type: kraken\n    symbols: [BTC/USD]\n    url: https://example.org',
    at: 'config.yaml:4:10: sources[0].url:',
    says: ['found "https://example.org"', 'ws://', 'wss://'],
  },
  {
    rule: 'a replay without a venue',
    yaml: 'sources:\n  - type: replay\n    path: x.gz',
    at: 'config.yaml:2:5: sources[0].venue:',
    says: ['found nothing', 'one of binance'],
  },
  {
    rule: 'a replay without a path',
    yaml: 'sources:\n  - type: replay\n    venue: kraken',
    at: 'config.yaml:2:5: sources[0].path:',
    says: ['found nothing', 'text, or a list'],
  },
  {
    rule: 'aggregate trades of a venue without them',
    yaml: 'sources:\n  - type: kraken\n    symbols: [BTC/USD]\n    trades: aggTrade',
    at: 'config.yaml:4:13: sources[0].trades:',
    says: ['found aggTrade', 'allowed: trade'],
  },
  {
    rule: 'one instrument as trades and as aggregate trades',
    yaml: [
      'sources:',
      '  - {type: binance, name: a, symbols: [BTCUSDT]}',
      '  - {type: binance, name: b, symbols: [ETHUSDT, BTCUSDT], trades: aggTrade}',
    ].join('\n'),
    at: 'config.yaml:3:49: sources[1].symbols[1]:',
    says: ['found binance BTCUSDT with trades: aggTrade', 'keep one'],
  },
  {
    rule: 'a timeframe that does not exist',
    yaml: 'operators:\n  bars:\n    timeframes: [1s, 2m]',
    at: 'config.yaml:3:22: operators.bars.timeframes[1]:',
    says: ['found "2m"', 'one of 1s, 5s'],
  },
  {
    rule: 'a timeframe twice',
    yaml: 'operators:\n  bars:\n    timeframes: [1m, 1m]',
    at: 'config.yaml:3:17: operators.bars.timeframes:',
    says: ['found ["1m", "1m"]', 'each timeframe once'],
  },
  {
    rule: 'a database of a kind that is not there',
    yaml: 'database:\n  url: mysql://user:geheim@host/db',
    at: 'config.yaml:2:8: database.url:',
    says: ['not shown', 'postgres://… or sqlite:PATH'],
  },
  {
    rule: 'a database without a host',
    given: { sources: 'ignored' },
    yaml: 'database:\n  url: postgres:///db',
    at: 'config.yaml:2:8: database.url:',
    says: ['found no host', 'postgres://USER:PASSWORD@HOST:PORT/DATABASE'],
  },
  {
    rule: 'a port of the database that is none',
    given: { sources: 'ignored' },
    yaml: 'database:\n  url: postgres://user:geheim@host:99999/db',
    at: 'config.yaml:2:8: database.url:',
    says: ['found a port that is none', 'an integer from 1 to 65535'],
  },
  {
    rule: 'an sslmode that does not exist, in the address',
    given: { sources: 'ignored' },
    yaml: 'database:\n  url: postgres://host/db?sslmode=always',
    at: 'config.yaml:2:8: database.url:',
    says: ['found an unknown sslmode', 'one of disable'],
  },
  {
    rule: 'an sslmode that does not exist',
    yaml: 'database:\n  sslmode: verify',
    at: 'config.yaml:2:12: database.sslmode:',
    says: ['found "verify"', 'one of disable'],
  },
  {
    rule: 'a name of a schema that needs quotes',
    yaml: 'database:\n  schema: Market-Data',
    at: 'config.yaml:2:11: database.schema:',
    says: ['found "Market-Data"', 'lower-case'],
  },
  {
    rule: 'a share beyond the number of shares',
    yaml: 'shard:\n  index: 3\n  count: 3',
    at: 'config.yaml:2:10: shard.index:',
    says: ['found 3 with shard.count 3', 'an integer from 0 to 2'],
  },
  {
    rule: 'a certificate without its key',
    yaml: 'http:\n  tls:\n    cert: a.pem',
    at: 'config.yaml:3:11: http.tls.cert:',
    says: ['without http.tls.key', 'give both'],
  },
  {
    rule: 'a client CA without a certificate',
    yaml: 'http:\n  tls:\n    client_ca: a.pem',
    at: 'config.yaml:3:16: http.tls.client_ca:',
    says: ['without http.tls.cert'],
  },
  {
    rule: 'a host that is an address with a scheme',
    yaml: 'http:\n  host: http://localhost',
    at: 'config.yaml:2:9: http.host:',
    says: ['found "http://localhost"', 'a host name or an IP address'],
  },
  {
    rule: 'an API key that no header can carry',
    yaml: 'http:\n  api_keys: [geheim 1]',
    at: 'config.yaml:2:14: http.api_keys[0]:',
    says: ['not shown', 'visible ASCII'],
  },
  {
    rule: 'a variable that does not exist',
    given: { env: { PIPELINE_BATCHSIZE: '5' } },
    at: 'PIPELINE_BATCHSIZE: unknown variable',
    says: ['did you mean PIPELINE_BATCH_SIZE?'],
  },
  {
    rule: 'a variable with a wrong value',
    given: { env: { PIPELINE_SINK_WORKERS: 'four' } },
    at: 'PIPELINE_SINK_WORKERS: sink.workers:',
    says: ['found "four"', 'an integer from 1 to 32'],
  },
  {
    rule: 'a variable that Kubernetes made of a Service',
    given: { env: { PIPELINE_HTTP_PORT: 'tcp://10.0.0.7:80' } },
    at: 'PIPELINE_HTTP_PORT: http.port:',
    says: ['Kubernetes Service', 'enableServiceLinks: false'],
  },
  {
    rule: 'sources that are no list',
    given: { env: { PIPELINE_SOURCES: 'coinbase' } },
    at: 'PIPELINE_SOURCES: sources:',
    says: ['found "coinbase"', 'a list'],
  },
  {
    rule: 'sources in broken JSON',
    given: { env: { PIPELINE_SOURCES: '[{"type":"synthetic"}' } },
    at: 'PIPELINE_SOURCES: found',
    says: ['list'],
  },
  {
    rule: 'one secret with two values',
    given: { env: { DATABASE_URL: 'sqlite:a.db', PIPELINE_DATABASE_URL: 'sqlite:b.db' } },
    at: 'PIPELINE_DATABASE_URL: database.url:',
    says: ['another value than DATABASE_URL', 'keep one'],
  },
  {
    rule: 'a secret and its file with two values',
    given: { env: { API_KEY: 'one', API_KEY_FILE: 'keys' }, files: { keys: 'two\n' } },
    at: 'API_KEY_FILE: http.api_keys:',
    says: ['another value than API_KEY'],
  },
  {
    rule: 'a file of a secret that is not there',
    given: { env: { DATABASE_URL_FILE: '/run/secrets/url' } },
    at: 'DATABASE_URL_FILE: database.url:',
    says: ['cannot read the file "/run/secrets/url" (ENOENT)'],
  },
  {
    rule: 'an empty file of a secret',
    given: { env: { API_KEY_FILE: 'keys' }, files: { keys: '\n \n' } },
    at: 'API_KEY_FILE: http.api_keys:',
    says: ['the file "keys" is empty'],
  },
  {
    rule: 'a configuration file that is named and not there',
    given: { path: 'other.yaml' },
    at: 'other.yaml:1:1: cannot be read (ENOENT)',
    says: ['give the path of a file'],
  },
  {
    rule: 'a server without sources',
    given: { env: { DATABASE_URL: 'postgres://host/db' } },
    at: 'DATABASE_URL: sources:',
    says: ['nothing to listen to'],
  },
  {
    rule: 'a source on the command line that does not exist',
    given: { overrides: { source: 'bitmex' } },
    at: '--source: sources[0].type:',
    says: ['found "bitmex"', 'one of binance'],
  },
  {
    rule: 'symbols for one of several sources',
    yaml: 'sources:\n  - {type: synthetic, name: a}\n  - {type: synthetic, name: b}',
    given: { overrides: { symbols: ['X'] } },
    at: '--symbols: sources:',
    says: ['2 sources are configured', '--source'],
  },
];

describe('refuses', () => {
  test.each(broken.map((one) => [one.rule, one] as const))('%s', (_, { yaml, given, at, says }) => {
    const files = { ...given?.files, ...(yaml === undefined ? {} : { 'config.yaml': yaml }) };
    const lines = refusal({ ...given, files });
    expect(
      lines.filter((line) => /^(\S+\.yaml:\d+:\d+|--[a-z]+|[A-Z_]+): /.test(line)),
    ).toHaveLength(1);
    expect(lines[0]).toStartWith(at);
    for (const words of says) expect(lines[0]).toContain(words);
    expect(lines.join('\n')).not.toContain('geheim');
  });

  test('tells everything that is wrong at once, each by its place', () => {
    const files = { 'config.yaml': 'pipeline:\n  batch_size: 0\nlogs: {}\nshard:\n  index: 7\n' };
    const env = { PIPELINE_FLUSH_MS: 'x', PIPELINE_FOO: 'x', API_KEY_FILE: 'none' };
    const places = refusal({ files, env }).map((line) => line.split(': ')[0]);
    expect(places).toHaveLength(6);
    expect(new Set(places)).toEqual(
      new Set([
        'config.yaml:2:15',
        'config.yaml:3:1',
        'config.yaml:5:10',
        'PIPELINE_FLUSH_MS',
        'PIPELINE_FOO',
        'API_KEY_FILE',
      ]),
    );
  });

  test('does not complain of what follows from another complaint', () => {
    const files = { 'config.yaml': 'shard:\n  index: 3\n  count: many\n' };
    expect(refusal({ files })).toHaveLength(1);
  });

  test('shows the first fifty of more problems', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `key${index}: 1`);
    const told = refusal({ files: { 'config.yaml': lines.join('\n') } });
    expect(told).toHaveLength(51);
    expect(told.at(-1)).toBe('… and 10 more');
  });

  test('prints a source to paste where a server has none', () => {
    const told = refusal({ env: { DATABASE_URL: 'postgres://host/db' } });
    const start = told.indexOf('sources:');
    const files = { 'config.yaml': told.slice(start, start + 3).join('\n') };
    expect(refusal({ files, env: { DATABASE_URL: 'postgres://host/db' } })).toEqual([]);
  });
});
