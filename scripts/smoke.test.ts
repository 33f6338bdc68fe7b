import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { run } from '../test/house/run.ts';

const root = join(import.meta.dir, '..');

const smoke = (url: string, env: Record<string, string> = {}) =>
  run(['./scripts/smoke_test.sh'], root, {
    PATH: process.env['PATH'] ?? '',
    BASE_URL: url,
    SMOKE_TIMEOUT_S: '1',
    ...env,
  });

const names = {
  counter: [
    'mdp_source_items_total',
    'mdp_source_disconnects_total',
    'mdp_source_pacing_blocked_total',
    'operator_bars_out_total',
    'mdp_sink_batches_committed_total',
    'mdp_sink_batches_failed_total',
  ],
  gauge: ['mdp_sink_queue_depth'],
  histogram: ['mdp_sink_commit_seconds'],
};

type Options = {
  readonly step?: number;
  /** A metric that is not there, and one that is there without a series. */
  readonly without?: string;
  readonly empty?: string;
};

/** A pipeline as curl sees it: every counter in two series, moved by `step` at each look. */
function pipeline(options: Options = {}) {
  let looks = 0;
  const series = (name: string) =>
    name === options.empty
      ? ''
      : `${name}{a="1"} 0\n${name}{a="2"} ${7 + looks * (options.step ?? 1)}\n`;
  const metrics = () => {
    looks += 1;
    return Object.entries(names)
      .flatMap(([type, list]) => list.map((name) => ({ type, name })))
      .filter(({ name }) => name !== options.without)
      .map(
        ({ type, name }) =>
          `# TYPE ${name} ${type}\n${series(type === 'histogram' ? `${name}_count` : name)}`,
      )
      .join('');
  };
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      if (pathname !== '/metrics') return new Response('{"status":"healthy"}');
      const refused = request.headers.get('authorization') !== 'Bearer secret';
      return refused ? new Response('no key', { status: 401 }) : new Response(metrics());
    },
  });
  return { url: server.url.href, stop: () => server.stop(true) };
}

const judge = async (options: Options, env: Record<string, string>) => {
  const { url, stop } = pipeline(options);
  const ended = await smoke(url, env);
  await stop();
  return ended;
};

test('passes over a pipeline that moves', async () => {
  const { code, stdout } = await judge({}, { API_KEY: 'secret' });
  expect(stdout).toContain('ok     mdp_sink_batches_committed_total increases');
  expect(code).toBe(0);
});

test('fails with the reason when nothing listens', async () => {
  const { url, stop } = pipeline();
  await stop();
  const { code, stderr } = await smoke(url);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^FAILED GET \/health\/live: curl: .*connect/);
});

test('fails with the status when the key is missing', async () => {
  const { code, stderr } = await judge({}, {});
  expect(code).toBe(1);
  expect(stderr).toContain('FAILED GET /metrics: status 401, expected 200: no key');
});

test.each(Object.values(names).flat())('fails when %s is missing', async (name) => {
  const { code, stderr } = await judge({ without: name }, { API_KEY: 'secret' });
  expect(code).toBe(1);
  expect(stderr).toContain(`${name} (`);
  expect(stderr).toContain('is missing');
});

test('fails when a metric has no series', async () => {
  const { code, stderr } = await judge({ empty: 'mdp_sink_queue_depth' }, { API_KEY: 'secret' });
  expect(code).toBe(1);
  expect(stderr).toContain('mdp_sink_queue_depth (gauge) has no series');
});

test('fails when the counters stand still', async () => {
  const { code, stderr } = await judge({ step: 0 }, { API_KEY: 'secret' });
  expect(code).toBe(1);
  expect(stderr).toContain('mdp_source_items_total stood at 7 for 1 s: nothing moves');
});
