/**
 * Traces of the executable at a collector that reads them: one a batch, whole and in order, through
 * an outage of the database too; a collector that is away, hangs or refuses costs its spans only.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Collector } from '../collector/collector.ts';
import { startCollector } from '../collector/collector.ts';
import type { ReceivedSpan } from '../collector/otlp.ts';
import { PrivateServer, execute } from '../postgres/server.ts';
import { inDirectory, startMdp, until, type Environment, type Running } from './mdp.ts';

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
}, 60_000);

afterAll(() => server.remove(), 60_000);

const PASSWORD = 'tr4cing-c4nary';

const databaseUrl = async (): Promise<string> => {
  const name = `tracing_${crypto.randomUUID().slice(0, 8)}`;
  await execute(server.url(), `create database ${name}`);
  return server.url(name).replace('postgres@', `postgres:${PASSWORD}@`);
};

const RUN: Environment = {
  PIPELINE_ENABLE_TRACING: 'true',
  PIPELINE_SOURCES: '[{"type":"synthetic","count":2,"rate":1000}]',
  OTEL_BSP_SCHEDULE_DELAY: '100',
};

const metric = async (run: Running, series: string): Promise<number> => {
  const text = await (await run.get('/metrics')).text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
};

const committed = async (run: Running): Promise<number> =>
  (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;

const atLeast = (run: Running, trades: number): Promise<number> =>
  until(
    () => committed(run),
    (now) => now >= trades,
  );

type Trace = { readonly root: ReceivedSpan; readonly children: readonly ReceivedSpan[] };

/** The traces, their spans in order of time; fails where a span has no place in one. */
const tracesOf = (spans: readonly ReceivedSpan[]): readonly Trace[] => {
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  const traces = Map.groupBy(spans, ({ traceId }) => traceId);
  return [...traces.values()].map((trace) => {
    const roots = trace.filter(({ parentSpanId }) => parentSpanId === '');
    expect(roots).toHaveLength(1);
    const [root] = roots;
    if (root === undefined) throw new Error('a trace without a root');
    for (const span of trace.filter((one) => one !== root)) expectWithinParent(span, trace);
    const children = trace
      .filter(({ parentSpanId }) => parentSpanId === root.spanId)
      .toSorted((a, b) => Number(a.from - b.from || a.to - b.to));
    return { root, children };
  });
};

const expectWithinParent = (span: ReceivedSpan, trace: readonly ReceivedSpan[]): void => {
  const parent = trace.find(({ spanId }) => spanId === span.parentSpanId);
  expect(parent).toBeDefined();
  if (parent === undefined) return;
  expect(span.from).toBeGreaterThanOrEqual(parent.from);
  expect(span.to).toBeGreaterThanOrEqual(span.from);
  expect(parent.to).toBeGreaterThanOrEqual(span.to);
};

const WAY = ['read wait', 'decode', 'operators', 'flush wait', 'queue wait', 'commit'];

const sum = (spans: readonly ReceivedSpan[], key: string): number =>
  spans.reduce((total, { attributes }) => total + Number(attributes[key] ?? 0), 0);

test('one trace a batch, from its first record to its commit, as the OTEL_ variables say', () =>
  inDirectory(async (directory) => {
    const began = BigInt(Date.now());
    const collector = startCollector();
    const run = await startMdp(directory, {
      ...RUN,
      DATABASE_URL: await databaseUrl(),
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/below/`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=of%20all,x-tenant=all',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=traces',
      OTEL_SERVICE_NAME: 'feed-7',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=overridden',
    });
    await atLeast(run, 2000);
    expect(await run.stop()).toBe(0);
    const traces = tracesOf(collector.spans());
    const roots = traces.map(({ root }) => root);
    expect(collector.faults).toEqual([]);
    const said = /Drained.*"trades":(\d+),"quotes":(\d+),"bars":(\d+)/.exec(run.log());
    const told = ['trade', 'quote', 'bar'].map((table) =>
      sum(
        roots.filter(({ name }) => name === `batch ${table}`),
        'mdp.rows.committed',
      ),
    );
    expect(told).toEqual(said?.slice(1).map(Number) ?? []);
    for (const { root, children } of traces) {
      expect(children.map(({ name }) => name)).toEqual(WAY);
      const commit = children.at(-1);
      const waits = children.slice(0, -1);
      expect(waits.map(({ from }) => from)).toEqual([
        root.from,
        ...waits.slice(0, -1).map(({ to }) => to),
      ]);
      expect(commit?.from).toBeGreaterThanOrEqual(waits.at(-1)?.to ?? 0n);
      expect(root.from / 1_000_000n).toBeGreaterThanOrEqual(began - 1n);
      expect(root.to / 1_000_000n).toBeLessThanOrEqual(BigInt(Date.now()));
      expect(commit?.kind).toBe(3);
      expect(commit?.attributes).toMatchObject({
        'db.system.name': 'postgresql',
        'db.operation.batch.size': root.attributes['mdp.rows'],
      });
      const encodes = collector
        .spans()
        .filter(({ parentSpanId }) => parentSpanId === commit?.spanId);
      expect(encodes.map(({ name }) => name)).toEqual(['encode']);
      expect(root.resource).toMatchObject({
        'service.name': 'feed-7',
        'deployment.environment.name': 'test',
      });
      expect(root.resource['service.version']).toMatch(/^\d+\.\d+\.\d+$/);
    }
    for (const { path, headers } of collector.exports) {
      expect(path).toBe('/below/v1/traces');
      expect(headers.get('api-key')).toBe('of all');
      expect(headers.get('x-tenant')).toBe('traces');
    }
    const sent = collector.exports.map(({ body }) => new TextDecoder().decode(body)).join('\n');
    expect(sent).toContain('batch trade');
    for (const secret of [PASSWORD, 'SYN-00', '127.0.0.1']) expect(sent).not.toContain(secret);
    await collector.stop();
  }));

test('by protobuf and gzip, at its own address; a ratio keeps some, always_off none', async () => {
  const half = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' };
  const outcome = async (environment: Environment) => {
    const collector = startCollector();
    const counted = await inDirectory(async (directory) => {
      const run = await startMdp(directory, {
        ...RUN,
        PIPELINE_FLUSH_MS: '5',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/mine`,
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        ...environment,
      });
      // Counted before the batches are, so that no trace is of a batch that is not.
      const kept = () => collector.spans().filter(({ parentSpanId }) => parentSpanId === '').length;
      const seen = await until(
        async () => ({
          kept: kept(),
          batches: await metric(run, 'mdp_sink_batches_committed_total{sink="sqlite"}'),
        }),
        (now) => now.batches >= 40 && (now.kept > 5 || environment !== half),
      );
      expect(await run.stop()).toBe(0);
      return seen;
    });
    await collector.stop();
    return { ...collector, ...counted };
  };
  const [all, some, none, off] = await Promise.all([
    outcome({}),
    outcome(half),
    outcome({ OTEL_TRACES_SAMPLER: 'always_off' }),
    outcome({ OTEL_SDK_DISABLED: 'true' }),
  ]);
  expect(all.faults).toEqual([]);
  const traces = tracesOf(all.spans());
  expect(traces.length).toBeGreaterThanOrEqual(all.batches);
  for (const { children } of traces) expect(children.map(({ name }) => name)).toEqual(WAY);
  expect(all.exports[0]?.path).toBe('/mine');
  expect(all.exports[0]?.headers.get('content-type')).toBe('application/x-protobuf');
  expect(all.exports[0]?.headers.get('content-encoding')).toBe('gzip');
  expect(all.spans()[0]?.resource['service.name']).toBe('mdp');
  expect(some.kept).toBeLessThan(some.batches);
  expect(tracesOf(some.spans()).length).toBeGreaterThan(5);
  expect([none.requests(), off.requests()]).toEqual([0, 0]);
});

test('an outage of the database is seen: what failed, the pauses, what came of it', () =>
  inDirectory(async (directory) => {
    const collector = startCollector();
    const run = await startMdp(directory, {
      ...RUN,
      DATABASE_URL: await databaseUrl(),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    await atLeast(run, 500);
    await server.kill();
    await until(
      () => metric(run, 'mdp_sink_retries_total{sink="postgres"}'),
      (retries) => retries > 0,
    );
    await server.start();
    await until(
      async () => (await run.health()).status,
      (status) => status === 'healthy',
    );
    await atLeast(run, (await committed(run)) + 500);
    expect(await run.stop()).toBe(0);
    expect(collector.faults).toEqual([]);
    const retried = tracesOf(collector.spans()).filter(
      ({ root }) => Number(root.attributes['mdp.attempts']) > 1,
    );
    expect(retried.length).toBeGreaterThan(0);
    for (const { root, children } of retried) {
      const attempts = children.filter(({ name }) => name === 'commit');
      expect(attempts).toHaveLength(Number(root.attributes['mdp.attempts']));
      expect(attempts.map(({ status }) => status)).toEqual([...attempts.slice(1).map(() => 2), 0]);
      expect(attempts[0]?.attributes['error.type']).toMatch(/^(database_away|deadline)$/);
      const pauses = children.filter(({ name }) => name === 'retry wait');
      expect(pauses).toHaveLength(attempts.length - 1);
      expect(root.status).toBe(0);
    }
    await collector.stop();
  }));

describe('a collector that does not take spans costs spans only', () => {
  type Counts = Readonly<Record<'exported' | 'full' | 'undelivered', number>>;

  /** Runs until spans are lost as `wanted`, then on, to a clean end. */
  const losing = async (
    url: string,
    environment: Environment,
    wanted: (counts: Counts) => boolean,
  ) =>
    inDirectory(async (directory) => {
      const run = await startMdp(directory, {
        ...RUN,
        PIPELINE_FLUSH_MS: '5',
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        ...environment,
      });
      const of = (outcome: string): Promise<number> =>
        metric(run, `mdp_trace_spans_total{outcome="${outcome}"}`);
      const counts = async (): Promise<Counts> => ({
        exported: await of('exported'),
        full: await of('dropped_queue_full'),
        undelivered: await of('dropped_undelivered'),
      });
      const seen = await until(counts, wanted);
      await atLeast(run, (await committed(run)) + 500);
      const began = performance.now();
      expect(await run.stop()).toBe(0);
      expect(seen.exported).toBe(0);
      return { tookMs: performance.now() - began, log: run.log() };
    });

  const undelivered = (counts: Counts): boolean => counts.undelivered > 0;

  test('away', async () => {
    const url = 'http://user:s3cret@127.0.0.1:1';
    const { log } = await losing(url, { OTEL_EXPORTER_OTLP_TIMEOUT: '500' }, undelivered);
    expect(log).toContain('The collector did not take spans');
    expect(log).not.toContain('s3cret');
  });

  test('slow to answer', async () => {
    const collector = startCollector({ manner: 'hang' });
    const { log } = await losing(collector.url, { OTEL_EXPORTER_OTLP_TIMEOUT: '300' }, undelivered);
    expect(log).toContain('"reason":"no answer in time"');
    await collector.stop();
  });

  test('hanging: what waits is bounded, and the end does not wait for it', async () => {
    const collector = startCollector({ manner: 'hang' });
    const patient = {
      OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
      OTEL_BSP_EXPORT_TIMEOUT: '60000',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
    };
    const { tookMs, log } = await losing(collector.url, patient, ({ full }) => full > 0);
    // One while it runs, and one at its end.
    expect(collector.requests()).toBeLessThanOrEqual(2);
    expect(tookMs).toBeLessThan(30_000);
    expect(log).toContain('Spans were left');
    await collector.stop();
  });

  test('refusing', async () => {
    const collector = startCollector({ manner: 'refuse' });
    const { log } = await losing(collector.url, {}, undelivered);
    expect(log).toContain('"reason":"400"');
    await collector.stop();
  });
});

describe('without PIPELINE_ENABLE_TRACING', () => {
  /** The files of OpenTelemetry that a run of the sources loads. */
  const loaded = async (collector: Collector, enabled: string): Promise<readonly string[]> =>
    inDirectory(async (directory) => {
      const root = `${import.meta.dir}/../..`;
      const child = Bun.spawn(
        [
          process.execPath,
          '--preload',
          `${root}/test/e2e/loaded-modules.ts`,
          `${root}/src/main.ts`,
          'run',
          '--duration',
          '500ms',
        ],
        {
          cwd: directory,
          env: {
            ...RUN,
            PIPELINE_HTTP_PORT: '0',
            PIPELINE_ENABLE_TRACING: enabled,
            OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
            LOADED_MODULES: `${directory}/loaded`,
          },
          stdout: 'ignore',
          stderr: 'ignore',
        },
      );
      expect(await child.exited).toBe(0);
      const file = Bun.file(`${directory}/loaded`);
      return (await file.exists()) ? (await file.text()).trim().split('\n') : [];
    });

  test('nothing of it is loaded, and nothing is asked', async () => {
    const collector = startCollector();
    expect(await loaded(collector, 'false')).toEqual([]);
    expect(collector.requests()).toBe(0);
    const files = await loaded(collector, 'true');
    expect(files.some((path) => path.includes('/sdk-trace/'))).toBe(true);
    expect(files.some((path) => path.endsWith('/otlp-tracer.ts'))).toBe(true);
    expect(collector.requests()).toBeGreaterThan(0);
    await collector.stop();
  });
});
