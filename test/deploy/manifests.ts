/** The manifests of deploy/kubernetes as data. */
import { join } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';

export const kubernetes = join(import.meta.dir, '../../deploy/kubernetes');

const variable = v.looseObject({
  name: v.string(),
  value: v.optional(v.string()),
  valueFrom: v.optional(
    v.object({
      secretKeyRef: v.optional(v.looseObject({ name: v.string(), key: v.string() })),
      fieldRef: v.optional(v.object({ fieldPath: v.string() })),
    }),
  ),
});

const container = v.looseObject({
  name: v.string(),
  image: v.string(),
  args: v.optional(v.array(v.string())),
  env: v.array(variable),
  ports: v.array(v.looseObject({ containerPort: v.number() })),
  resources: v.looseObject({
    requests: v.record(v.string(), v.string()),
    limits: v.record(v.string(), v.string()),
  }),
  lifecycle: v.object({ preStop: v.object({ sleep: v.object({ seconds: v.number() }) }) }),
});

const podSpec = v.looseObject({
  terminationGracePeriodSeconds: v.number(),
  enableServiceLinks: v.boolean(),
  automountServiceAccountToken: v.boolean(),
  containers: v.array(container),
});

const workload = v.looseObject({
  kind: v.picklist(['Deployment', 'StatefulSet']),
  spec: v.looseObject({
    replicas: v.number(),
    selector: v.object({ matchLabels: v.record(v.string(), v.string()) }),
    template: v.looseObject({
      metadata: v.looseObject({ labels: v.record(v.string(), v.string()) }),
      spec: podSpec,
    }),
  }),
});

export type Variable = v.InferOutput<typeof variable>;
export type Workload = v.InferOutput<typeof workload>;

export const readYaml = async (path: string): Promise<unknown> => {
  const read: unknown = parse(await Bun.file(join(kubernetes, path)).text());
  return read;
};

/** Paths of all YAML files, from deploy/kubernetes. */
export const yamlFiles = (): readonly string[] =>
  [...new Bun.Glob('**/*.yaml').scanSync(kubernetes)].toSorted();

const manifest = v.looseObject({ apiVersion: v.string(), kind: v.string() });

/** Every file that is a manifest of its own. */
export const readManifests = async (): Promise<ReadonlyMap<string, object>> => {
  const read = await Promise.all(
    yamlFiles().map(async (path) => [path, await readYaml(path)] as const),
  );
  return new Map(
    read.flatMap(([path, value]) =>
      v.is(manifest, value) && !path.endsWith('kustomization.yaml') ? [[path, value]] : [],
    ),
  );
};

export const readWorkload = async (path: string): Promise<Workload> =>
  v.parse(workload, await readYaml(path));

const patch = v.array(
  v.object({ op: v.picklist(['add', 'replace']), path: v.string(), value: v.unknown() }),
);

/** A workload as a component's JSON patch leaves it. Throws when the patch finds no place. */
export const patched = async (path: string, component: string): Promise<Workload> => {
  const document = structuredClone(await readYaml(path));
  for (const { op, path: place, value } of v.parse(patch, await readYaml(component))) {
    const keys = place.split('/').slice(1);
    const last = keys.pop() ?? '';
    const parent = keys.reduce<unknown>((at, key) => v.parse(branch, at)[key], document);
    put(v.parse(branch, parent), last, value, op);
  }
  return v.parse(workload, document);
};

const branch = v.custom<Record<string, unknown>>((at) => typeof at === 'object' && at !== null);

const put = (
  parent: Record<string, unknown>,
  key: string,
  value: unknown,
  op: 'add' | 'replace',
): void => {
  if (op === 'replace' && !(key in parent)) throw new Error(`nothing to replace at ${key}`);
  if (key === '-' && Array.isArray(parent)) parent.push(value);
  else Object.assign(parent, { [key]: value });
};
