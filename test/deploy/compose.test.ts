/** The development stack: docker-compose takes the file, and its parts fit one another. */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { variables } from '../../src/config/environment.ts';
import { inDirectory, mdp } from '../e2e/mdp.ts';
import { readImage, repository } from './dockerfile.ts';
import { has, ran, succeeds } from './tools.ts';

const service = v.looseObject({
  image: v.string(),
  environment: v.optional(v.record(v.string(), v.string()), {}),
  ports: v.array(v.string()),
  volumes: v.array(v.string()),
  depends_on: v.optional(v.record(v.string(), v.object({ condition: v.string() })), {}),
  healthcheck: v.optional(v.looseObject({})),
});

const text = await Bun.file(join(repository, 'docker-compose.yaml')).text();
const stack = v.parse(
  v.object({
    services: v.object({
      timescale: service,
      pipeline: service,
      prometheus: service,
      grafana: service,
    }),
    volumes: v.record(v.string(), v.nullable(v.unknown())),
  }),
  parse(text),
);
const { timescale, pipeline, prometheus, grafana } = stack.services;

const yamlOf = async (path: string): Promise<unknown> => {
  const read: unknown = parse(await Bun.file(join(repository, path)).text());
  return read;
};

test.skipIf(!has('docker-compose', 'docker-compose'))('docker-compose takes the file', () =>
  inDirectory(async (directory) => {
    const command = (file: string) => ['docker-compose', '--file', file, 'config', '--quiet'];
    await succeeds(command(join(repository, 'docker-compose.yaml')));
    const broken = join(directory, 'docker-compose.yaml');
    await Bun.write(broken, text.replace('depends_on:', 'depend_on:'));
    expect((await ran(command(broken))).output).toContain('depend_on');
  }),
);

test('the pipeline is the image, called as the guide calls it, and its environment is taken', () =>
  inDirectory(async (directory) => {
    expect(pipeline).toMatchObject({
      build: '.',
      image: 'market-data-pipeline:latest',
      container_name: 'market-data-pipeline',
      ports: ['127.0.0.1:8083:8083'],
      read_only: true,
    });
    for (const name of Object.keys(pipeline.environment)) expect(variables).toContain(name);
    const { environment } = await readImage();
    const all = { ...environment, ...pipeline.environment };
    const { code, stdout, stderr } = await mdp(directory, ['config'], all);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('timescale:5432/market_data');
  }));

test('the database has the credentials of the guide, and the pipeline knows them', () => {
  const { POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD } = timescale.environment;
  expect([POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD]).toEqual([
    'market_data',
    'postgres',
    'postgres',
  ]);
  expect(pipeline.environment['DATABASE_URL']).toBe(
    `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@timescale:5432/${POSTGRES_DB}`,
  );
});

test('each part waits for the health of the one before it', async () => {
  const healthy = { condition: 'service_healthy' };
  expect(pipeline.depends_on).toEqual({ timescale: healthy });
  expect(prometheus.depends_on).toEqual({ pipeline: healthy });
  expect(grafana.depends_on).toEqual({ prometheus: healthy });
  expect(timescale.healthcheck).toBeDefined();
  expect(prometheus.healthcheck).toBeDefined();
  expect((await readImage()).healthcheck).not.toEqual([]);
});

test('nothing listens beyond this machine, and every mounted file is there', () => {
  for (const { ports, volumes } of Object.values(stack.services)) {
    for (const port of ports) expect(port).toStartWith('127.0.0.1:');
    for (const source of volumes.map((volume) => volume.split(':')[0] ?? '')) {
      const known = source.startsWith('./')
        ? existsSync(join(repository, source))
        : source in stack.volumes;
      expect(`${source} ${known}`).toBe(`${source} true`);
    }
  }
});

test('Prometheus asks the pipeline; Grafana has that Prometheus and the dashboard', async () => {
  expect(await yamlOf('monitoring/prometheus.yml')).toMatchObject({
    scrape_configs: [
      { job_name: 'mdp', static_configs: [{ targets: ['pipeline:8083'] }] },
      { job_name: 'prometheus' },
    ],
  });
  expect(await yamlOf('monitoring/grafana/datasources/prometheus.yaml')).toMatchObject({
    datasources: [{ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true }],
  });
  const provided = v.parse(
    v.object({ providers: v.tuple([v.object({ options: v.object({ path: v.string() }) })]) }),
    await yamlOf('monitoring/grafana/dashboards/mdp.yaml'),
  );
  const [{ options }] = provided.providers;
  expect(grafana.volumes).toContain('./monitoring/grafana:/etc/grafana/provisioning:ro');
  expect(grafana.volumes).toContain(
    `./monitoring/grafana-dashboard.json:${options.path}/grafana-dashboard.json:ro`,
  );
});
