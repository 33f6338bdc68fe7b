/**
 * The smoke test against the executable into PostgreSQL: it passes, and fails with the reason when
 * the database is stopped, the source is cut, or a metric is missing. Against SQLite it is in
 * guide.test.ts, the installed service in installed.test.ts, the image in image.test.ts.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { startMarket } from '../e2e/market.ts';
import { inDirectory, startMdp, until, type Running } from '../e2e/mdp.ts';
import { PrivateServer } from '../postgres/server.ts';
import { repository } from './dockerfile.ts';
import { guideMetrics } from './guide.ts';
import { ran } from './tools.ts';

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
});

afterAll(() => server.remove());

const smoke = (url: string, seconds = 20) =>
  ran([join(repository, 'scripts/smoke_test.sh')], {
    BASE_URL: url,
    SMOKE_TIMEOUT_S: String(seconds),
  });

const fails = async (url: string): Promise<string> => {
  const { code, output } = await smoke(url, 2);
  expect({ code, output: code === 1 ? '' : output }).toEqual({ code: 1, output: '' });
  return /^FAILED .*/m.exec(output)?.[0] ?? output;
};

/** A running pipeline whose source and database can be taken from it. */
const withPipeline = (use: (run: Running, cutSource: () => Promise<void>) => Promise<void>) =>
  inDirectory(async (directory) => {
    const market = startMarket(['AAA']);
    const source = { type: 'binance', symbols: ['AAA'], channels: ['trades'], url: market.url };
    const run = await startMdp(directory, {
      DATABASE_URL: server.url(),
      PIPELINE_SOURCES: JSON.stringify([source]),
    });
    try {
      await use(run, () => market.stop());
    } finally {
      await run.stop();
      await market.stop();
    }
  });

/** The pipeline's answers as they come, but for one metric. */
const without = (metric: string, run: Running) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const response = await run.get(pathname);
      const lines = (await response.text()).split('\n');
      const kept = lines.filter((line) => !line.includes(metric));
      return new Response(kept.join('\n'), { status: response.status });
    },
  });

test('passes, and fails when any of its metrics is missing or all of them are', () =>
  withPipeline(async (run) => {
    const { code, output } = await smoke(run.url);
    expect(output).toContain(`passed ${run.url} is up, measured and moving`);
    expect(code).toBe(0);
    for (const metric of Object.keys(guideMetrics)) {
      const proxy = without(metric, run);
      expect(await fails(proxy.url.origin)).toContain(`FAILED GET /metrics: ${metric} (`);
      await proxy.stop(true);
    }
    await inDirectory(async (directory) => {
      const mute = await startMdp(directory, { PIPELINE_ENABLE_METRICS: 'false' });
      expect(await fails(mute.url)).toContain('FAILED GET /metrics: status 404');
      await mute.stop();
    });
  }));

test('fails when the source is cut, with the reason', () =>
  withPipeline(async (run, cutSource) => {
    expect((await smoke(run.url)).code).toBe(0);
    await cutSource();
    const reason = await fails(run.url);
    expect(reason).toContain('FAILED mdp_source_items_total stood at ');
    expect(reason).toMatch(/"kind":"source","name":"binance","status":"degraded","reason":"\w/);
  }));

test('fails when the database is stopped, with the reason', () =>
  withPipeline(async (run) => {
    expect((await smoke(run.url)).code).toBe(0);
    await server.stop();
    await until(
      () => run.health(),
      ({ status }) => status === 'degraded',
    );
    const reason = await fails(run.url);
    expect(reason).toContain('FAILED mdp_sink_batches_committed_total stood at ');
    expect(reason).toContain('ECONNREFUSED');
    await server.start();
    expect((await smoke(run.url)).code).toBe(0);
  }));
