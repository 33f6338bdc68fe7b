/**
 * The deployment guide's list, held against the executable: a name that is missing, or that does
 * nothing, fails here.
 */
import { describe, expect, test } from 'bun:test';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startMarket } from '../e2e/market.ts';
import { inDirectory, mdp, startMdp, until, type Running } from '../e2e/mdp.ts';
import { PrivateServer } from '../postgres/server.ts';
import { readDashboard } from './dashboard.ts';
import { readImage, repository } from './dockerfile.ts';
import { committed, effects, metric, observed } from './guide-effects.ts';
import {
  guideCommands,
  guideEndpoints,
  guideEnvironment,
  guideFile,
  guideFiles,
  guideKeys,
  guideMetrics,
  guidePanels,
  guidePorts,
  guideSymptoms,
  type GuideCommand,
  type GuideMetric,
} from './guide.ts';
import { ran, succeeds } from './tools.ts';

const text = (path: string): Promise<string> => Bun.file(join(repository, path)).text();

/** Another suite on this machine may have the guide's port for as long as its own test takes. */
const untilFree = (port: string): Promise<unknown> =>
  until(
    () =>
      Promise.try(() => {
        const options = { hostname: '127.0.0.1', port: Number(port), socket: { data: () => {} } };
        Bun.listen(options).stop(true);
        return true;
      }).catch(() => false),
    (free) => free,
    30_000,
  );

describe('variables', () => {
  test('all of them together start the pipeline, as the guide sets them', async () => {
    await untilFree(guideEnvironment.PIPELINE_METRICS_PORT);
    await observed(guideEnvironment, async (run) => {
      await committed(run, 10);
      const second = `http://127.0.0.1:${guideEnvironment.PIPELINE_METRICS_PORT}/metrics`;
      expect(await (await fetch(second)).text()).toContain('mdp_source_items_total');
      expect(run.log()).toContain('drop_oldest');
    });
  });

  test.each(Object.entries(effects))('%s has its effect', (_name, effect) => effect(), 60_000);
});

test('config.yaml of the guide starts the pipeline, and every key of it is in force', () =>
  inDirectory(async (directory) => {
    await Bun.write(join(directory, 'config.yaml'), guideFile);
    const { stdout } = await mdp(directory, ['config']);
    for (const [key, value, line] of guideKeys) {
      const [, name = ''] = key.split('.');
      expect(stdout).toMatch(new RegExp(`^  ${name}: ${value} +# config\\.yaml:${line}$`, 'm'));
    }
    const run = await startMdp(directory);
    await committed(run, 10);
    expect(await run.stop()).toBe(0);
  }));

/** Each metric's series that moves; a histogram's observations. */
const moving = (name: GuideMetric): string =>
  guideMetrics[name] === 'histogram' ? `${name}_count` : name;

const moved = async (run: Running, ...names: readonly GuideMetric[]): Promise<void> => {
  for (const name of names) {
    await until(
      async () => ({ name, value: await metric(run, moving(name)) }),
      ({ value }) => value > 0,
    );
  }
};

test('every metric is there from the start with its type, and moves', () =>
  inDirectory(async (directory) => {
    const server = await PrivateServer.start();
    const market = startMarket(['AAA', 'BBB']);
    const source = { type: 'binance', symbols: ['AAA', 'BBB'], channels: ['trades'] };
    const run = await startMdp(directory, {
      DATABASE_URL: server.url(),
      PIPELINE_SOURCES: JSON.stringify([{ ...source, url: market.url }]),
      PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '200',
      PIPELINE_BATCH_SIZE: '1',
    });
    const before = await (await run.get('/metrics')).text();
    for (const [name, type] of Object.entries(guideMetrics)) {
      expect(before).toContain(`\n# TYPE ${name} ${type}\n`);
    }
    await moved(run, 'mdp_source_items_total', 'mdp_sink_batches_committed_total');
    await moved(run, 'mdp_sink_commit_seconds', 'operator_bars_out_total');
    await moved(run, 'mdp_source_pacing_blocked_total');
    await server.stop();
    await moved(run, 'mdp_sink_batches_failed_total', 'mdp_sink_queue_depth');
    await server.start();
    await until(
      () => metric(run, 'mdp_sink_queue_depth'),
      (depth) => depth === 0,
    );
    await market.stop();
    await moved(run, 'mdp_source_disconnects_total');
    // What pacing held back would take its time to drain.
    run.signal('SIGKILL');
    await run.exited;
    await server.remove();
  }));

test.each(guideFiles)('%s is there', (path) => {
  expect(existsSync(join(repository, path))).toBe(true);
  const isProgram = (statSync(join(repository, path)).mode & 0o111) !== 0;
  expect(isProgram).toBe(path.endsWith('.sh'));
});

test('the dashboard shows what the guide says that it shows', async () => {
  const { panels } = await readDashboard();
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  for (const [purpose, name] of Object.entries(guidePanels)) {
    const shown = expressions.some((expression) => expression.includes(name));
    expect(`${purpose}: ${shown}`).toBe(`${purpose}: true`);
  }
});

test('every endpoint answers', () =>
  observed({}, async (run) => {
    for (const path of guideEndpoints) expect((await run.get(path)).status).toBe(200);
    expect(await run.health()).toMatchObject({ status: 'healthy' });
  }));

const compose = await text('docker-compose.yaml');

/** Where each port must be found. */
const portHolders: Readonly<Record<keyof typeof guidePorts, () => Promise<void>>> = {
  5432: async () => {
    expect(compose).toContain("- '127.0.0.1:5432:5432'");
    expect(await text('deploy/kubernetes/base/network-policy.yaml')).toContain('port: 5432');
  },
  8080: () => {
    // That it listens there is in the first test of the variables.
    expect(guideEnvironment.PIPELINE_METRICS_PORT).toBe('8080');
    return Promise.resolve();
  },
  8083: async () => {
    const { stdout } = await inDirectory((directory) => mdp(directory, ['config']));
    expect(stdout).toMatch(/^ {2}port: 8083 +# default$/m);
    expect((await readImage()).ports).toContain('8083');
    expect(compose).toContain("- '127.0.0.1:8083:8083'");
  },
  9090: async () => {
    expect(compose).toContain("- '127.0.0.1:9090:9090'");
    const scaled = await text('deploy/kubernetes/components/autoscaling/scaled-object.yaml');
    expect(scaled).toContain('http://prometheus:9090');
  },
};

test.each(Object.entries(portHolders))('port %s is where the guide has it', (_port, holds) =>
  holds(),
);

const asksOnDefaultPort = (path: (typeof guideEndpoints)[number]) => async (): Promise<void> => {
  // On this machine another program may have port 8083: that it is the default is shown above.
  await observed({}, async (run) => {
    const { output } = await ran(['curl', '--silent', '--show-error', `${run.url}${path}`]);
    expect(output).toContain(path === '/health' ? '"status":"healthy"' : '# TYPE mdp_');
  });
};

/** Each command of the guide, typed as far as it can be here, and what it needs of us. */
const commandsWork: Readonly<Record<GuideCommand, () => Promise<void>>> = {
  'vault kv put secret/market-data-pipeline': async () => {
    const recipe = await text('deploy/kubernetes/components/vault/secrets-from-files.yaml');
    expect(recipe).toContain('secret/data/market-data-pipeline');
    expect(recipe).toContain('.Data.data.database_url');
    expect(recipe).toContain('.Data.data.api_key');
  },
  'aws secretsmanager create-secret': async () => {
    const recipe = await text('deploy/kubernetes/components/aws/secret-provider.yaml');
    expect(recipe).toMatch(/objectName: market-data-pipeline\/database[^-]*- path: url/);
  },
  // What both do is among the variables' effects.
  'export DATABASE_URL=': () => Promise.resolve(expect(effects).toHaveProperty('DATABASE_URL')),
  'export API_KEY=': () => Promise.resolve(expect(effects).toHaveProperty('API_KEY')),
  'docker compose up --build -d': () => {
    // That docker-compose takes the file, and what is in it, is in compose.test.ts.
    expect(compose).toContain('build: .');
    return Promise.resolve();
  },
  './scripts/smoke_test.sh': () =>
    observed({}, async (run) => {
      await succeeds([join(repository, 'scripts/smoke_test.sh')], { BASE_URL: run.url });
    }),
  'curl http://localhost:8083/health': asksOnDefaultPort('/health'),
  'curl http://localhost:8083/metrics': asksOnDefaultPort('/metrics'),
  'docker logs market-data-pipeline': () => {
    expect(compose).toContain('container_name: market-data-pipeline\n');
    return Promise.resolve();
  },
  './scripts/dev.sh test-integration': async () => {
    // What it does is in scripts/test-integration.test.ts.
    expect(await succeeds([join(repository, 'scripts/dev.sh'), 'help'])).toContain(
      'test-integration [FILTER]',
    );
  },
};

test.each(Object.entries(commandsWork))('%s works', (_command, works) => works());

test('every common issue has its metric and its cure in docs/operations.md', async () => {
  const lines = (await text('docs/operations.md')).toLowerCase().split('\n');
  for (const [symptom, name] of Object.entries(guideSymptoms)) {
    const line = lines.find((each) => each.startsWith(`| ${symptom} |`)) ?? '';
    expect(line).toContain(name);
    expect(line.split('|')[3]?.trim()).not.toBeEmpty();
  }
});

const guidePath = join(repository, '../shared/deployment-guide.md');
const hasGuide = existsSync(guidePath);
if (!hasGuide) console.warn('SKIPPED, the deployment guide itself is not beside the repository');

test.skipIf(!hasGuide)('no name of the guide is missing from the list', async () => {
  const guide = await Bun.file(guidePath).text();
  const found = (pattern: RegExp): readonly string[] => [
    ...new Set([...guide.matchAll(pattern)].map(([, name = '']) => name)),
  ];
  const names: readonly string[] = Object.keys(effects);
  expect(found(/\b(PIPELINE_[A-Z_]*[A-Z])\b/g).filter((name) => !names.includes(name))).toEqual([]);
  const metrics: readonly string[] = Object.keys(guideMetrics);
  expect(
    found(/`?\b((?:mdp|operator)_[a-z_]+)\b/g).filter((name) => !metrics.includes(name)),
  ).toEqual([]);
  const ports = found(/(?:containerPort: |localhost:|timescale:|prometheus:|_PORT=)(\d{4})\b/g);
  expect(ports.toSorted()).toEqual(Object.keys(guidePorts));
  const files = found(/\b((?:monitoring|scripts)\/[\w.-]+)/g);
  for (const file of files) expect<readonly string[]>(guideFiles).toContain(file);
  const endpoints = found(/(?:GET |localhost:\d+|at `)(\/[a-z]+)/g);
  expect(endpoints.toSorted()).toEqual([...guideEndpoints]);
  const shell = found(/```bash\n([^`]*)```/g).flatMap((block) => block.split('\n'));
  const typed = shell.filter((line) => /^(\.\/|docker|curl|vault|aws|export) ?/.test(line));
  for (const line of typed) {
    expect({ line, known: guideCommands.some((command) => line.startsWith(command)) }).toEqual({
      line,
      known: true,
    });
  }
  expect(guide).toContain(guideFile);
  for (const [name, value] of Object.entries(guideEnvironment)) {
    expect(guide).toContain(`\n${name}=${value}\n`);
  }
});
