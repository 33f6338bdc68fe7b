/**
 * The manifests against the published schemas, against the program that they start, and against
 * the deployment guide.
 */
import { describe, expect, test } from 'bun:test';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { variables } from '../../src/config/environment.ts';
import { inDirectory, mdp } from '../e2e/mdp.ts';
import {
  kubernetes,
  patched,
  readManifests,
  readWorkload,
  readYaml,
  yamlFiles,
  type Variable,
  type Workload,
} from './manifests.ts';
import { schemaFaults } from './schema.ts';
import { succeeds } from './tools.ts';

const twins = await readWorkload('twins/deployment.yaml');
const shards = await readWorkload('shards/stateful-set.yaml');

const containerOf = ({ spec }: Workload) => {
  const [first] = spec.template.spec.containers;
  if (first === undefined) throw new Error('a workload without a container');
  return first;
};

const variablesOf = (workload: Workload): Record<string, Variable> =>
  Object.fromEntries(containerOf(workload).env.map((variable) => [variable.name, variable]));

describe('schemas', () => {
  test('every manifest is taken by its published schema, and has no unknown field', async () => {
    const manifests = await readManifests();
    const judged = [...manifests].map(([path, manifest]) => [path, schemaFaults(manifest)]);
    const unjudged = judged.filter(([, faults]) => faults === undefined).map(([path]) => path);
    expect(judged.length).toBeGreaterThan(10);
    expect(judged.filter(([, faults]) => faults !== undefined && faults.length > 0)).toEqual([]);
    expect(unjudged).toEqual(['components/aws/secret-provider.yaml']);
  });

  test('a field that no Deployment has, and one of the wrong type, are found', () => {
    const pod = twins.spec.template.spec;
    const withPod = (change: object) => ({
      ...twins,
      spec: {
        ...twins.spec,
        template: { ...twins.spec.template, spec: { ...pod, ...change } },
      },
    });
    expect(schemaFaults(withPod({ enableServiceLink: false }))).toEqual([
      'Deployment: /spec/template/spec/enableServiceLink is no field of it',
    ]);
    expect(schemaFaults(withPod({ terminationGracePeriodSeconds: 'long' }))?.[0]).toContain(
      'terminationGracePeriodSeconds',
    );
  });

  const kustomizations = yamlFiles().filter((path) => path.endsWith('kustomization.yaml'));

  test.each(kustomizations)('%s names files that are there', async (path) => {
    const { resources, patches, configMapGenerator } = v.parse(kustomization, await readYaml(path));
    const files = [
      ...resources,
      ...patches.map((entry) => entry.path),
      ...configMapGenerator.flatMap((generator) => generator.files),
    ];
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const full = join(kubernetes, dirname(path), file);
      const there = file.endsWith('.yaml') ? full : join(full, 'kustomization.yaml');
      expect(`${file} ${await Bun.file(there).exists()}`).toBe(`${file} true`);
    }
  });

  // Debian's kubectl is too old for components, so continuous integration may be without one.
  test.skipIf(Bun.which('kubectl') === null).each(['autoscaling', 'scraping', 'vault', 'aws'])(
    'kubectl kustomize builds both workloads with the component %s',
    (component) =>
      inDirectory(async (directory) => {
        await cp(kubernetes, directory, { recursive: true });
        for (const workload of ['twins', 'shards']) {
          await mkdir(join(directory, 'overlay'), { recursive: true });
          await Bun.write(
            join(directory, 'overlay/kustomization.yaml'),
            stringify({
              resources: [`../${workload}`],
              components: [`../components/${component}`],
            }),
          );
          const built = await succeeds(['kubectl', 'kustomize', join(directory, 'overlay')]);
          expect(built).toContain(workload === 'twins' ? 'kind: Deployment' : 'kind: StatefulSet');
        }
      }),
  );
});

const kustomization = v.looseObject({
  resources: v.optional(v.array(v.string()), []),
  patches: v.optional(v.array(v.looseObject({ path: v.string() })), []),
  configMapGenerator: v.optional(v.array(v.looseObject({ files: v.array(v.string()) })), []),
});

const secretOf = async (key: string): Promise<string> => {
  const secret = v.parse(
    v.looseObject({ stringData: v.record(v.string(), v.string()) }),
    await readYaml('secret.yaml'),
  );
  return secret.stringData[key] ?? `the secret has no ${key}`;
};

/** The environment that the pod `market-data-pipeline-2` would start with. */
const environmentOf = async (workload: Workload, directory: string) => {
  const entries = containerOf(workload).env.map(async ({ name, value, valueFrom }) => {
    if (valueFrom?.fieldRef !== undefined) return [name, '2'] as const;
    const key = valueFrom?.secretKeyRef?.key;
    if (key !== undefined) return [name, await secretOf(key)] as const;
    if (!name.endsWith('_FILE')) return [name, value ?? ''] as const;
    const file = join(directory, name);
    await Bun.write(file, await secretOf((value ?? '').split('/').at(-1) ?? ''));
    return [name, file] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
};

describe('the program', () => {
  const workloads: readonly (readonly [string, () => Promise<Workload>])[] = [
    ['the twins', () => readWorkload('twins/deployment.yaml')],
    ['the shards', () => readWorkload('shards/stateful-set.yaml')],
    ...['vault', 'aws'].map((component) => {
      const file = `components/${component}/secrets-from-files.yaml`;
      return [
        `the shards with ${component}`,
        () => patched('shards/stateful-set.yaml', file),
      ] as const;
    }),
  ];

  test.each(workloads)('takes every variable of %s, and the configuration file', (_name, read) =>
    inDirectory(async (directory) => {
      const workload = await read();
      for (const { name } of containerOf(workload).env) expect(variables).toContain(name);
      await cp(join(kubernetes, 'base/config.yaml'), join(directory, 'config.yaml'));
      const environment = await environmentOf(workload, directory);
      const { code, stdout, stderr } = await mdp(directory, ['config'], environment);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('timescale:5432/market_data');
    }),
  );

  test('takes its share by the pod’s ordinal, of as many as there are pods', () => {
    const { PIPELINE_SHARD_COUNT: count, PIPELINE_SHARD_INDEX: index } = variablesOf(shards);
    expect(count?.value).toBe(String(shards.spec.replicas));
    expect(index?.valueFrom?.fieldRef?.fieldPath).toBe(
      `metadata.labels['apps.kubernetes.io/pod-index']`,
    );
  });

  test('stores of twins what two processes de-duplicate', () => {
    expect(variablesOf(twins)['PIPELINE_DATABASE_STORE']?.value).toBe('trades,bars');
  });

  test.each([twins, shards])('has time to drain after preStop', (workload) => {
    const path = join(kubernetes, 'base/config.yaml');
    const { drainMs } = loadConfig({ path, sources: 'ignored' }).config.pipeline;
    const { terminationGracePeriodSeconds: grace } = workload.spec.template.spec;
    const { seconds } = containerOf(workload).lifecycle.preStop.sleep;
    expect(grace).toBeGreaterThanOrEqual(seconds + drainMs / 1000 + 10);
  });

  test.each([twins, shards])('is given no rights and no foreign variables', (workload) => {
    const { enableServiceLinks, automountServiceAccountToken } = workload.spec.template.spec;
    expect({ enableServiceLinks, automountServiceAccountToken }).toEqual({
      enableServiceLinks: false,
      automountServiceAccountToken: false,
    });
  });
});

describe('the deployment guide', () => {
  test('its Deployment is this one: name, replicas, labels, image, port, resources', () => {
    expect(twins).toMatchObject({
      metadata: { name: 'market-data-pipeline' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'market-data-pipeline' } },
        template: { metadata: { labels: { app: 'market-data-pipeline' } } },
      },
    });
    expect(containerOf(twins)).toMatchObject({
      name: 'pipeline',
      image: 'market-data-pipeline:latest',
      ports: [{ containerPort: 8083 }],
    });
    const { requests, limits } = containerOf(twins).resources;
    expect(requests).toMatchObject({ memory: '256Mi', cpu: '250m' });
    expect(limits).toMatchObject({ memory: '512Mi', cpu: '500m' });
  });

  test('its environment is there, word for word', () => {
    expect(variablesOf(twins)['DATABASE_URL']).toEqual({
      name: 'DATABASE_URL',
      valueFrom: {
        secretKeyRef: { name: 'market-data-pipeline-secrets', key: 'database_url' },
      },
    });
  });

  test('its secret is there in both spellings, with the same values', async () => {
    const url = 'postgres://user:password@timescale:5432/market_data';
    expect([await secretOf('DATABASE_URL'), await secretOf('database_url')]).toEqual([url, url]);
    expect(await secretOf('api_key')).toBe(await secretOf('API_KEY'));
  });

  test('its autoscaler looks at the same metric, with the same threshold and bound', async () => {
    const scaled = await readYaml('components/autoscaling/scaled-object.yaml');
    expect(scaled).toMatchObject({
      metadata: { name: 'market-data-pipeline-scaler' },
      spec: {
        scaleTargetRef: { name: 'market-data-pipeline' },
        maxReplicaCount: 10,
        triggers: [
          {
            type: 'prometheus',
            metadata: {
              serverAddress: 'http://prometheus:9090',
              query: 'sum(mdp_sink_queue_depth)',
              threshold: '100',
            },
          },
        ],
      },
    });
  });
});
