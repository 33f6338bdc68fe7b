/**
 * Each variable of the deployment guide, observed: the program does something else when it is set.
 */
import { describe, expect, test } from 'bun:test';
import { inDirectory, mdp, query, startMdp, until, type Environment, type Running } from './mdp.ts';

const synthetic = (rate: number, more: Readonly<Record<string, unknown>> = {}): Environment => ({
  PIPELINE_SOURCES: JSON.stringify([
    { type: 'synthetic', symbols: ['SYN-001'], channels: ['trades'], rate, ...more },
  ]),
});

const metric = async (run: Running, name: string): Promise<number> => {
  const text = await (await run.get('/metrics')).text();
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
};

/** Runs for as long as `until` says and gives what was asked. */
const observed = <T>(env: Environment, ask: (run: Running) => Promise<T>): Promise<T> =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, env);
    try {
      return await ask(run);
    } finally {
      await run.stop();
    }
  });

const committed = (run: Running, trades: number) =>
  until(
    () => run.status(),
    ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) >= trades,
  );

const GUIDE_ENVIRONMENT: Environment = {
  PIPELINE_BATCH_SIZE: '1000',
  PIPELINE_FLUSH_MS: '50',
  PIPELINE_MAX_BYTES: '1048576',
  PIPELINE_OP_QUEUE_MAX: '16',
  PIPELINE_DROP_POLICY: 'newest',
  PIPELINE_SINK_WORKERS: '4',
  PIPELINE_SINK_QUEUE_MAX: '200',
  PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest',
  PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '2000',
  PIPELINE_PACING_BUDGET_BURST: '2000',
  PIPELINE_ENABLE_METRICS: 'true',
  PIPELINE_ENABLE_TRACING: 'true',
  PIPELINE_METRICS_PORT: '8080',
};

const GUIDE_FILE = `# config.yaml
pipeline:
  batch_size: 500
  flush_ms: 100
  max_bytes: 512000

queues:
  op_queue_max: 8
  sink_queue_max: 16
  drop_policy: "oldest"
`;

describe('the deployment guide', () => {
  test('its environment starts the pipeline as it stands, metrics on the second port', () =>
    observed(GUIDE_ENVIRONMENT, async (run) => {
      await committed(run, 10);
      const second = await fetch('http://127.0.0.1:8080/metrics');
      expect(await second.text()).toContain('mdp_source_items_total');
      expect((await fetch('http://127.0.0.1:8080/status')).status).toBe(404);
      expect(run.log()).toContain('drop_oldest');
    }));

  test('its config.yaml starts the pipeline as it stands', () =>
    inDirectory(async (directory) => {
      await Bun.write(`${directory}/config.yaml`, GUIDE_FILE);
      expect((await mdp(directory, ['config'])).stdout).toMatch(
        /batch_size: 500 +# config\.yaml:3/,
      );
      const run = await startMdp(directory);
      await committed(run, 10);
      expect(await run.stop()).toBe(0);
    }));
});

describe('each variable has its effect', () => {
  test('PIPELINE_BATCH_SIZE bounds the rows of a batch', () =>
    observed(
      { ...synthetic(2000), PIPELINE_BATCH_SIZE: '10', PIPELINE_FLUSH_MS: '1000' },
      async (run) => {
        await committed(run, 500);
        const rows = await metric(run, 'mdp_sink_rows_committed_total');
        const batches = await metric(run, 'mdp_sink_batches_committed_total');
        expect(rows / batches).toBeLessThanOrEqual(10);
      },
    ));

  test('PIPELINE_MAX_BYTES bounds the bytes of a batch', () =>
    observed(
      { ...synthetic(2000), PIPELINE_MAX_BYTES: '1024', PIPELINE_FLUSH_MS: '1000' },
      async (run) => {
        await committed(run, 500);
        const rows = await metric(run, 'mdp_sink_rows_committed_total');
        const batches = await metric(run, 'mdp_sink_batches_committed_total');
        expect(rows / batches).toBeLessThanOrEqual(5);
      },
    ));

  test('PIPELINE_FLUSH_MS is how long a row may wait for its batch', async () => {
    const batchesIn2s = (flush: string) =>
      observed({ ...synthetic(200), PIPELINE_FLUSH_MS: flush }, async (run) => {
        await Bun.sleep(2000);
        return metric(run, 'mdp_sink_batches_committed_total');
      });
    expect(await batchesIn2s('20')).toBeGreaterThan(2 * (await batchesIn2s('500')));
  });

  test('PIPELINE_PACING_BUDGET_* admits so many frames a second, and counts', () =>
    observed(
      {
        ...synthetic(5000),
        PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '100',
        PIPELINE_PACING_BUDGET_BURST: '50',
      },
      async (run) => {
        await Bun.sleep(2000);
        const { ledger } = await run.status();
        expect(ledger.frames['decoded']).toBeGreaterThan(100);
        expect(ledger.frames['decoded']).toBeLessThan(50 + 100 * 3.5);
        expect(await metric(run, 'mdp_source_pacing_blocked_total')).toBeGreaterThan(0);
      },
    ));
});

/** More than pacing lets through. */
const overloaded = (policy: string, blocks: string): Environment => ({
  ...synthetic(20_000),
  PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '500',
  PIPELINE_OP_QUEUE_MAX: blocks,
  PIPELINE_DROP_POLICY: policy,
  PIPELINE_JOURNAL_ENABLED: 'false',
});

describe('each variable of a full queue has its effect', () => {
  for (const policy of ['oldest', 'newest']) {
    test(
      `PIPELINE_DROP_POLICY=${policy} drops frames at the bound, with gap rows`,
      () =>
        inDirectory(async (directory) => {
          const env = overloaded(policy, '2');
          const run = await startMdp(directory, env);
          const seen = await until(
            () => run.status(),
            ({ ledger }) => (ledger.frames['dropped'] ?? 0) > 5000,
          );
          expect(seen.ledger.balanced).toBe(true);
          const health = await run.get('/health');
          expect(health.status).toBe(503);
          expect(await run.stop()).toBe(0);
          expect(run.log()).toContain('Frames were dropped');
          const gaps = await query(directory, 'gaps', 'SYN-001', env);
          expect(gaps.length).toBeGreaterThan(0);
          expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(['dropped']));
          const trades = await query(directory, 'trades', 'SYN-001', env);
          const ids = trades.map((row) => Number(row['trade_id'])).toSorted((a, b) => a - b);
          const span = (ids.at(-1) ?? 0) - (ids[0] ?? 0) + 1;
          const missing = gaps.reduce((sum, gap) => sum + Number(gap['missing'] ?? 0), 0);
          expect(missing).toBe(span - ids.length);
        }),
      30_000,
    );
  }

  test('PIPELINE_DROP_POLICY=block drops nothing', () =>
    observed(overloaded('block', '2'), async (run) => {
      await Bun.sleep(2000);
      const { ledger } = await run.status();
      expect(ledger.frames['dropped']).toBe(0);
      expect(ledger.balanced).toBe(true);
    }));

  test('PIPELINE_OP_QUEUE_MAX is how much may wait', async () => {
    const unread = (blocks: string) =>
      observed(overloaded('oldest', blocks), async (run) => {
        await until(
          () => run.status(),
          ({ ledger }) => (ledger.frames['dropped'] ?? 0) > 0,
          30_000,
        );
        return (await run.status()).ledger.frames['unread'] ?? 0;
      });
    const small = await unread('1');
    const large = await unread('20');
    expect(small).toBeLessThanOrEqual(512 * 3);
    expect(large).toBeGreaterThan(512 * 15);
  }, 60_000);
});

describe('each variable of sink and HTTP has its effect', () => {
  test(
    'PIPELINE_SINK_QUEUE_MAX, …BACKPRESSURE_POLICY: batches are dropped, never bars',
    () =>
      inDirectory(async (directory) => {
        const env = {
          ...synthetic(30_000),
          PIPELINE_BATCH_SIZE: '1',
          PIPELINE_SINK_QUEUE_MAX: '2',
          PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest',
        };
        const run = await startMdp(directory, env);
        const seen = await until(
          () => run.status(),
          ({ ledger }) => (ledger.rows['trade']?.['dropped'] ?? 0) > 1000,
        );
        expect(seen.ledger.balanced).toBe(true);
        expect(seen.ledger.rows['bar']?.['dropped']).toBe(0);
        expect(await metric(run, 'mdp_sink_queue_depth')).toBeLessThanOrEqual(50);
        run.signal('SIGTERM');
        await run.exited;
        expect((await query(directory, 'gaps', 'SYN-001', env)).length).toBeGreaterThan(0);
      }),
    60_000,
  );

  test('PIPELINE_ENABLE_METRICS=false takes /metrics away', () =>
    observed({ PIPELINE_ENABLE_METRICS: 'false' }, async (run) => {
      expect((await run.get('/metrics')).status).toBe(404);
      expect((await run.get('/health')).status).toBe(200);
    }));

  test('API_KEY guards /status', () =>
    observed({ API_KEY: 'correct-horse' }, async (run) => {
      expect((await run.get('/status')).status).toBe(401);
      expect((await run.get('/status', { 'x-api-key': 'wrong' })).status).toBe(401);
      expect((await run.get('/status', { authorization: 'Bearer correct-horse' })).status).toBe(
        200,
      );
      expect((await run.get('/health')).status).toBe(200);
    }));
});
