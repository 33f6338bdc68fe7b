/**
 * What the manifests let in and out, who may be away, and the guide's own Deployment as it stands.
 */
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseAddress } from '../../src/sinks/postgres/address.ts';
import { VENUES } from '../../src/venues/registry.ts';
import { inDirectory, mdp, type Environment } from '../e2e/mdp.ts';
import { readWorkload, readYaml, type Workload } from './manifests.ts';

const ports = v.array(v.object({ protocol: v.string(), port: v.union([v.number(), v.string()]) }));

const policy = v.object({
  spec: v.object({
    podSelector: v.object({ matchLabels: v.record(v.string(), v.string()) }),
    policyTypes: v.tuple([v.literal('Ingress'), v.literal('Egress')]),
    ingress: v.array(v.looseObject({ from: v.array(v.looseObject({})), ports })),
    egress: v.array(v.looseObject({ to: v.optional(v.array(v.looseObject({}))), ports })),
  }),
});

const { spec } = v.parse(policy, await readYaml('base/network-policy.yaml'));

const workloads: readonly Workload[] = [
  await readWorkload('twins/deployment.yaml'),
  await readWorkload('shards/stateful-set.yaml'),
];

const wish = { symbols: ['AB'], channels: ['trades'], trades: 'trade', url: undefined } as const;

/** OTLP over HTTP. */
const otlpPort = 4318;

describe('the network policy', () => {
  const out = (protocol: string): readonly (string | number)[] =>
    spec.egress.flatMap((rule) =>
      rule.ports.filter((each) => each.protocol === protocol).map(({ port }) => port),
    );

  test('is for these pods, and lets nobody in but by the port that serves', () => {
    for (const { spec: of } of workloads) {
      expect(of.template.metadata.labels).toMatchObject(spec.podSelector.matchLabels);
      const [container] = of.template.spec.containers;
      expect(container?.ports.map(({ name }) => name)).toEqual(['http']);
    }
    expect(spec.ingress.flatMap((rule) => rule.ports)).toEqual([{ protocol: 'TCP', port: 'http' }]);
  });

  test('lets out to names, every venue by default, the database and a collector', async () => {
    expect(out('UDP')).toEqual([53]);
    for (const venue of [VENUES.binance, VENUES.coinbase, VENUES.kraken]) {
      const [plan] = venue.plan(wish);
      const { port, protocol } = new URL(plan?.url ?? '');
      expect(out('TCP')).toContain(Number(port || (protocol === 'wss:' ? 443 : 80)));
    }
    const secret = v.parse(
      v.looseObject({ stringData: v.record(v.string(), v.string()) }),
      await readYaml('secret.yaml'),
    );
    const [{ port }] = parseAddress(secret.stringData['DATABASE_URL'] ?? '').hosts;
    expect(out('TCP')).toContain(port);
    expect(new Set(out('TCP'))).toEqual(new Set([53, 443, 9443, port, otlpPort]));
  });

  test('lets out to Vault with its component', async () => {
    const vault = v.parse(
      v.object({ spec: v.looseObject({ egress: v.array(v.object({ ports })) }) }),
      await readYaml('components/vault/network-policy.yaml'),
    );
    expect(vault.spec.egress).toEqual([{ ports: [{ protocol: 'TCP', port: 8200 }] }]);
  });
});

test('one pod at a time may be taken away, of every workload', async () => {
  for (const path of ['twins/disruption-budget.yaml', 'shards/disruption-budget.yaml']) {
    expect(await readYaml(path)).toMatchObject({
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'market-data-pipeline' } } },
    });
  }
  for (const { spec: of } of workloads) expect(of.replicas).toBeGreaterThan(1);
});

test('the account has no rights: nothing is bound to it, its token is not mounted', async () => {
  expect(await readYaml('base/identity.yaml')).toMatchObject({
    kind: 'ServiceAccount',
    metadata: { name: 'market-data-pipeline' },
    automountServiceAccountToken: false,
  });
});

test('an autoscaler changes the twins only, whose sink queue can reach its threshold', async () => {
  const scaled = await readYaml('components/autoscaling/scaled-object.yaml');
  // KEDA's default kind is Deployment; the shards are a StatefulSet.
  expect(scaled).toMatchObject({ spec: { scaleTargetRef: { name: 'market-data-pipeline' } } });
  expect(JSON.stringify(scaled)).not.toContain('StatefulSet');
  expect(await readYaml('base/config.yaml')).toMatchObject({ queues: { sink_queue_max: 200 } });
});

/** What Kubernetes puts into a pod for the services of its namespace, one of them \`pipeline\`. */
const serviceLinks = (service: string): Environment => ({
  [`${service}_SERVICE_HOST`]: '10.0.0.7',
  [`${service}_SERVICE_PORT`]: '8083',
  [`${service}_SERVICE_PORT_HTTP`]: '8083',
  [`${service}_PORT`]: 'tcp://10.0.0.7:8083',
  [`${service}_PORT_8083_TCP`]: 'tcp://10.0.0.7:8083',
  [`${service}_PORT_8083_TCP_PROTO`]: 'tcp',
  [`${service}_PORT_8083_TCP_PORT`]: '8083',
  [`${service}_PORT_8083_TCP_ADDR`]: '10.0.0.7',
});

describe("the guide's own Deployment, its environment word for word", () => {
  const environment: Environment = {
    ...serviceLinks('PIPELINE'),
    ...serviceLinks('MARKET_DATA_PIPELINE'),
    DATABASE_URL: 'postgres://user:password@timescale:5432/market_data',
  };

  test('is taken, whatever services there are beside it', () =>
    inDirectory(async (directory) => {
      const { code, stdout, stderr } = await mdp(directory, ['config'], environment);
      expect(code).toBe(0);
      expect(stderr).toMatch(/^Ignored variables that a platform injects: PIPELINE_PORT, .*\n$/);
      expect(stdout).toContain('timescale:5432/market_data');
      expect(stdout).not.toContain('10.0.0.7');
    }));

  test('starts nothing before sources are named, and shows how to name them', () =>
    inDirectory(async (directory) => {
      const { code, stderr } = await mdp(directory, ['run'], environment);
      expect(code).toBe(2);
      expect(stderr).toContain('sources');
      const [pasted = ''] = /^sources:\n(?: .*\n)+/m.exec(stderr) ?? [];
      await Bun.write(join(directory, 'config.yaml'), pasted);
      expect(await mdp(directory, ['check'], environment)).toMatchObject({ code: 0 });
    }));
});
