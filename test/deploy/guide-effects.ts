/** What each variable of the deployment guide does, observed at the running executable. */
import { expect } from 'bun:test';
import { startCollector } from '../collector/collector.ts';
import { inDirectory, mdp, query, startMdp, until } from '../e2e/mdp.ts';
import type { Environment, Running, Status } from '../e2e/mdp.ts';
import { createTestDatabase, type TestDatabase } from '../postgres/database.ts';
import { execute } from '../postgres/server.ts';
import type { GuideVariable } from './guide.ts';
import { freePort } from '../free-port.ts';

const synthetic = (rate: number): Environment => ({
  PIPELINE_SOURCES: JSON.stringify([
    { type: 'synthetic', symbols: ['SYN-001'], channels: ['trades'], rate },
  ]),
});

/** The sum of a metric's series. */
export const metric = async (run: Running, name: string): Promise<number> => {
  const text = await (await run.get('/metrics')).text();
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
};

/** Starts the program, asks, and stops it. */
export const observed = <T>(env: Environment, ask: (run: Running) => Promise<T>): Promise<T> =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, env);
    try {
      return await ask(run);
    } finally {
      await run.stop();
    }
  });

export const committed = (run: Running, trades: number) =>
  until(
    () => run.status(),
    ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) >= trades,
  );

const rowsPerBatch = (more: Environment): Promise<number> =>
  observed({ ...synthetic(2000), PIPELINE_FLUSH_MS: '1000', ...more }, async (run) => {
    await committed(run, 500);
    const rows = await metric(run, 'mdp_sink_rows_committed_total');
    return rows / (await metric(run, 'mdp_sink_batches_committed_total'));
  });

const batchesIn1s = (flushMs: string): Promise<number> =>
  observed({ ...synthetic(200), PIPELINE_FLUSH_MS: flushMs }, async (run) => {
    await Bun.sleep(1000);
    return metric(run, 'mdp_sink_batches_committed_total');
  });

/** Frames that the operators had after a second, of more than pacing lets through. */
const admitted = (perSecond: string, burst: string): Promise<number> =>
  observed(
    {
      ...synthetic(5000),
      PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: perSecond,
      PIPELINE_PACING_BUDGET_BURST: burst,
    },
    async (run) => {
      await Bun.sleep(1000);
      return (await run.status()).ledger.frames['decoded'] ?? 0;
    },
  );

/** More than pacing lets through, and no journal to wait in. */
const overloaded = (policy: string, blocks: string): Environment => ({
  ...synthetic(20_000),
  PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '500',
  PIPELINE_OP_QUEUE_MAX: blocks,
  PIPELINE_DROP_POLICY: policy,
  PIPELINE_JOURNAL_ENABLED: 'false',
});

const unread = (blocks: string): Promise<number> =>
  observed(overloaded('oldest', blocks), async (run) => {
    const { ledger } = await until(
      () => run.status(),
      (now) => (now.ledger.frames['dropped'] ?? 0) > 0,
    );
    return ledger.frames['unread'] ?? 0;
  });

/** Drops at the bound, says so, and leaves gap rows that hold exactly what is missing. */
const drops = (policy: string): Promise<void> =>
  inDirectory(async (directory) => {
    const env = overloaded(policy, '2');
    const run = await startMdp(directory, env);
    const { ledger } = await until(
      () => run.status(),
      (now) => (now.ledger.frames['dropped'] ?? 0) > 5000,
    );
    expect(ledger.balanced).toBe(true);
    expect((await run.get('/health')).status).toBe(503);
    expect(await run.stop()).toBe(0);
    expect(run.log()).toContain('Frames were dropped');
    const gaps = await query(directory, 'gaps', 'SYN-001', env);
    expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(['dropped']));
    const trades = await query(directory, 'trades', 'SYN-001', env);
    const ids = trades.map((row) => Number(row['trade_id'])).toSorted((a, b) => a - b);
    const span = (ids.at(-1) ?? 0) - (ids[0] ?? 0) + 1;
    const missing = gaps.reduce((sum, gap) => sum + Number(gap['missing'] ?? 0), 0);
    expect(missing).toBe(span - ids.length);
  });

const dropsNothing = (): Promise<void> =>
  observed(overloaded('block', '2'), async (run) => {
    await Bun.sleep(1000);
    const { ledger } = await run.status();
    expect(ledger.frames['dropped']).toBe(0);
    expect(ledger.balanced).toBe(true);
  });

const droppedTrades = ({ ledger }: Status): number => ledger.rows['trade']?.['dropped'] ?? 0;

/** Nothing can be committed while `use` runs. */
const whileLocked = async <T>(database: TestDatabase, use: () => Promise<T>) => {
  const { url } = database;
  await inDirectory((directory) => mdp(directory, ['migrate'], { DATABASE_URL: url }));
  const held = execute(url, `begin; lock table mdp.trade in exclusive mode; select pg_sleep(60)`);
  const ended = held.catch(() => undefined);
  await until(
    () =>
      database.query(`select from pg_locks where granted and mode = 'ExclusiveLock'
               and relation = 'mdp.trade'::regclass`),
    (locks) => locks.length > 0,
  );
  try {
    return await use();
  } finally {
    await database.query(`select pg_terminate_backend(pid) from pg_stat_activity
                          where query ~ 'pg_sleep' and pid <> pg_backend_pid()`);
    await ended;
  }
};

type Full = { readonly depth: number; readonly dropped: number; readonly gaps: number };

const seen = new Map<string, Promise<Full>>();

/**
 * Behind a database that takes nothing: how many batches waited, and what was given up. Two
 * variables meet here, so what was seen once is not looked at again.
 */
const sinkFull = (policy: string, batches: number): Promise<Full> => {
  const key = `${policy} ${batches}`;
  const full = seen.get(key) ?? lookAtFull(policy, batches);
  seen.set(key, full);
  return full;
};

const lookAtFull = (policy: string, batches: number): Promise<Full> =>
  inDirectory(async (directory) => {
    const database = await createTestDatabase();
    const env = {
      ...synthetic(5000),
      DATABASE_URL: database.url,
      PIPELINE_BATCH_SIZE: '10',
      PIPELINE_SINK_QUEUE_MAX: String(batches),
      PIPELINE_SINK_BACKPRESSURE_POLICY: policy,
    };
    const { run, depth } = await whileLocked(database, async () => {
      const started = await startMdp(directory, env);
      const full = (): Promise<number> =>
        until(
          () => metric(started, 'mdp_sink_queue_depth'),
          (waiting) => waiting >= batches,
        );
      await full();
      const { ledger } = await until(
        () => started.status(),
        (now) => droppedTrades(now) > 100 || (now.ledger.frames['unread'] ?? 0) > 1000,
      );
      expect(ledger.balanced).toBe(true);
      // A worker that has just connected takes its batch, and the queue fills again.
      return { run: started, depth: await full() };
    });
    const { ledger } = await run.status();
    expect(await run.stop()).toBe(0);
    expect(ledger.rows['bar']?.['dropped']).toBe(0);
    const gaps = await query(directory, 'gaps', 'SYN-001', env);
    await database.drop();
    return { dropped: ledger.rows['trade']?.['dropped'] ?? 0, gaps: gaps.length, depth };
  });

/** Connections that the program holds to its database. */
const connectionsWith = async (database: TestDatabase, workers: string): Promise<number> =>
  observed(
    { ...synthetic(200), DATABASE_URL: database.url, PIPELINE_SINK_WORKERS: workers },
    async (run) => {
      await committed(run, 20);
      const [row] = await database.query(
        `select count(*)::int as n from pg_stat_activity
         where application_name = 'mdp' and datname = current_database()`,
      );
      return Number(row?.['n']);
    },
  );

const withDatabase = async (use: (database: TestDatabase) => Promise<void>): Promise<void> => {
  const database = await createTestDatabase();
  try {
    await use(database);
  } finally {
    await database.drop();
  }
};

/** Batches that a collector heard of. */
const tracesWith = async (enabled: string): Promise<number> => {
  const collector = startCollector();
  const tracing = { PIPELINE_ENABLE_TRACING: enabled, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  await observed({ ...synthetic(200), ...tracing }, (run) => committed(run, 20));
  await collector.stop();
  expect(collector.faults).toEqual([]);
  return collector.spans().filter(({ parentSpanId }) => parentSpanId === '').length;
};

/** Fails where the variable does nothing. */
export const effects: Readonly<Record<GuideVariable, () => Promise<void>>> = {
  PIPELINE_BATCH_SIZE: async () => {
    expect(await rowsPerBatch({ PIPELINE_BATCH_SIZE: '10' })).toBeLessThanOrEqual(10);
    expect(await rowsPerBatch({ PIPELINE_BATCH_SIZE: '100' })).toBeGreaterThan(10);
  },
  PIPELINE_MAX_BYTES: async () => {
    expect(await rowsPerBatch({ PIPELINE_MAX_BYTES: '1024' })).toBeLessThanOrEqual(1024 / 64);
  },
  PIPELINE_FLUSH_MS: async () => {
    expect(await batchesIn1s('20')).toBeGreaterThan(2 * (await batchesIn1s('300')));
  },
  PIPELINE_OP_QUEUE_MAX: async () => {
    expect(await unread('1')).toBeLessThanOrEqual(512 * 3);
    expect(await unread('20')).toBeGreaterThan(512 * 15);
  },
  PIPELINE_DROP_POLICY: async () => {
    await drops('oldest');
    await drops('newest');
    await dropsNothing();
  },
  PIPELINE_SINK_WORKERS: () =>
    withDatabase(async (database) => {
      // One more may be there for upkeep.
      expect(await connectionsWith(database, '1')).toBeLessThanOrEqual(2);
      expect(await connectionsWith(database, '5')).toBeGreaterThanOrEqual(5);
    }),
  PIPELINE_SINK_QUEUE_MAX: async () => {
    expect((await sinkFull('block', 3)).depth).toBe(3);
    expect((await sinkFull('drop_newest', 40)).depth).toBeGreaterThanOrEqual(40);
  },
  PIPELINE_SINK_BACKPRESSURE_POLICY: async () => {
    for (const [policy, batches] of [
      ['drop_oldest', 3],
      ['drop_newest', 40],
    ] as const) {
      const { dropped, gaps } = await sinkFull(policy, batches);
      expect(dropped).toBeGreaterThan(100);
      expect(gaps).toBeGreaterThan(0);
    }
    expect(await sinkFull('block', 3)).toMatchObject({ dropped: 0, gaps: 0 });
  },
  PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: async () => {
    const slow = await admitted('100', '0');
    expect(slow).toBeGreaterThan(50);
    expect(slow).toBeLessThan(300);
    expect(await admitted('1000', '0')).toBeGreaterThan(2 * slow);
  },
  PIPELINE_PACING_BUDGET_BURST: async () => {
    // Two thousand at once, then a hundred a second.
    expect(await admitted('100', '2000')).toBeGreaterThan(1500);
  },
  PIPELINE_ENABLE_METRICS: () =>
    observed({ PIPELINE_ENABLE_METRICS: 'false' }, async (run) => {
      expect((await run.get('/metrics')).status).toBe(404);
      expect((await run.get('/health')).status).toBe(200);
    }),
  PIPELINE_ENABLE_TRACING: async () => {
    expect(await tracesWith('true')).toBeGreaterThan(0);
    expect(await tracesWith('false')).toBe(0);
  },
  PIPELINE_METRICS_PORT: async () => {
    const port = freePort();
    await observed({ PIPELINE_METRICS_PORT: String(port) }, async () => {
      const second = `http://127.0.0.1:${port}`;
      expect(await (await fetch(`${second}/metrics`)).text()).toContain('mdp_source_items_total');
      expect((await fetch(`${second}/health`)).status).toBe(200);
      expect((await fetch(`${second}/status`)).status).toBe(404);
    });
  },
  DATABASE_URL: () =>
    withDatabase((database) =>
      observed({ ...synthetic(200), DATABASE_URL: database.url }, async (run) => {
        await committed(run, 20);
        const [row] = await database.query('select count(*)::int as n from mdp.trade');
        expect(Number(row?.['n'])).toBeGreaterThanOrEqual(20);
      }),
    ),
  API_KEY: () =>
    observed({ API_KEY: 'correct-horse' }, async (run) => {
      expect((await run.get('/status')).status).toBe(401);
      expect((await run.get('/status', { 'x-api-key': 'wrong' })).status).toBe(401);
      const bearer = { authorization: 'Bearer correct-horse' };
      expect((await run.get('/status', bearer)).status).toBe(200);
      expect((await run.get('/status', { 'x-api-key': 'correct-horse' })).status).toBe(200);
      expect((await run.get('/health')).status).toBe(200);
    }),
};
