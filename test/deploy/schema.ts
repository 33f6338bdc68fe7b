/**
 * Manifests judged by the schemas that Kubernetes, KEDA and the Prometheus Operator publish, as
 * npm's kubernetes-models compiles them. They let unknown fields pass; here these are faults too: a
 * field that the validator of its kind never looks at is one that the kind does not have.
 */
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import * as v from 'valibot';

/** A model copies what it is made of; its `validate` judges whatever it is called on. */
const maker = v.custom<new () => { validate(this: object): void }>(
  (value) => typeof value === 'function',
);

const kinds = v.parse(v.record(v.string(), maker), {
  'apps/v1 Deployment': Deployment,
  'apps/v1 StatefulSet': StatefulSet,
  'keda.sh/v1alpha1 ScaledObject': ScaledObject,
  'monitoring.coreos.com/v1 ServiceMonitor': ServiceMonitor,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'v1 Secret': Secret,
  'v1 Service': Service,
  'v1 ServiceAccount': ServiceAccount,
});

/** What its schema has against a manifest; undefined where no schema of its kind is published. */
export const schemaFaults = (manifest: object): readonly string[] | undefined => {
  const { apiVersion, kind } = v.parse(
    v.looseObject({ apiVersion: v.string(), kind: v.string() }),
    manifest,
  );
  const Kind = kinds[`${apiVersion} ${kind}`];
  if (Kind === undefined) return undefined;
  const unread = new Set<string>();
  try {
    new Kind().validate.call(watched(manifest, '', unread));
  } catch (error) {
    return [`${kind}: ${error instanceof Error ? error.message : String(error)}`];
  }
  return [...unread].map((path) => `${kind}: ${path} is no field of it`);
};

/** A view of `value` that takes every path off `unread` that is looked at. */
const watched = (value: object, path: string, unread: Set<string>): object => {
  const inner = new Map<string, unknown>();
  for (const [key, item] of Object.entries(value)) {
    const itemPath = `${path}/${key}`;
    unread.add(itemPath);
    const nested: unknown = item;
    const isObject = typeof nested === 'object' && nested !== null;
    inner.set(key, isObject ? watched(nested, itemPath, unread) : nested);
  }
  const look = (key: string | symbol): void => void unread.delete(`${path}/${String(key)}`);
  return new Proxy(value, {
    get: (target, key, receiver) => {
      look(key);
      const seen: unknown =
        typeof key === 'string' && inner.has(key)
          ? inner.get(key)
          : Reflect.get(target, key, receiver);
      return seen;
    },
  });
};
