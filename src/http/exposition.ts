import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { PlainHistogram } from '../runtime/histogram.ts';

/** A sample: label values in the order of the metric's label names, and the value. */
export type Sample = readonly [labels: readonly string[], value: number];

type Spec = {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => Iterable<Sample>;
};

const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));

/** A counter whose value is kept elsewhere in plain numbers and copied at scrape. */
export const counter = (registry: Registry, spec: Spec): void => {
  const names = spec.labels ?? [];
  const metric = new Counter({
    name: spec.name,
    help: spec.help,
    labelNames: [...names],
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, value] of spec.read()) this.inc(labelled(names, values), value);
    },
  });
  metric.reset();
};

/** A gauge read at scrape. */
export const gauge = (registry: Registry, spec: Spec): void => {
  const names = spec.labels ?? [];
  const metric = new Gauge({
    name: spec.name,
    help: spec.help,
    labelNames: [...names],
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, value] of spec.read()) this.set(labelled(names, values), value);
    },
  });
  metric.reset();
};

type HistogramSpec = {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => readonly (readonly [labels: readonly string[], values: PlainHistogram])[];
};

/** A histogram kept elsewhere in plain numbers. prom-client formats it; it never observes. */
export const histogram = (registry: Registry, spec: HistogramSpec): void => {
  const [first] = spec.read();
  const metric = new Histogram({
    name: spec.name,
    help: spec.help,
    labelNames: [...spec.labels],
    buckets: [...(first?.[1].bounds ?? [1])],
    registers: [],
  });
  const read = (): Promise<unknown> =>
    Promise.resolve({
      name: spec.name,
      help: spec.help,
      type: 'histogram',
      aggregator: 'sum',
      values: spec
        .read()
        .flatMap(([values, plain]) => series(spec.name, labelled(spec.labels, values), plain)),
    });
  // Both the registry and the metric's own get() ask by this method, which the types leave out.
  Object.defineProperty(metric, 'getForPromString', { value: read });
  registry.registerMetric(metric);
};

const series = (name: string, labels: Record<string, string>, plain: PlainHistogram) => {
  let cumulative = 0;
  const buckets = [...plain.bounds, Infinity].map((bound, index) => {
    cumulative += plain.counts[index] ?? 0;
    const le = bound === Infinity ? '+Inf' : bound;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: cumulative };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: plain.sum },
    { metricName: `${name}_count`, labels, value: plain.count },
  ];
};
