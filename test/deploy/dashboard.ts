/** The expressions of the dashboard's panels, with Grafana's variables filled in. */
import { join } from 'node:path';
import * as v from 'valibot';
import { monitoring } from './prometheus.ts';

const fieldDefaults = v.looseObject({
  unit: v.string(),
  thresholds: v.optional(v.looseObject({ steps: v.array(v.unknown()) })),
});

const panel = v.looseObject({
  type: v.string(),
  title: v.string(),
  description: v.optional(v.string()),
  fieldConfig: v.optional(v.object({ defaults: fieldDefaults })),
  targets: v.optional(v.array(v.looseObject({ expr: v.string() }))),
});

const variable = v.looseObject({ name: v.string() });

const dashboard = v.object({
  panels: v.array(panel),
  templating: v.object({ list: v.array(variable) }),
});

export type Dashboard = v.InferOutput<typeof dashboard>;

export const readDashboard = async (): Promise<Dashboard> =>
  v.parse(dashboard, await Bun.file(join(monitoring, 'grafana-dashboard.json')).json());

/** What Grafana puts in when everything is chosen. */
const chosen: Readonly<Record<string, string>> = {
  $__rate_interval: '1m',
  $__range: '5m',
  $job: '.*',
  $instance: '.*',
  $source: '.*',
};

export const filledIn = (expression: string): string =>
  Object.entries(chosen).reduce((text, [name, value]) => text.replaceAll(name, value), expression);

export const expressionsOf = ({ panels }: Dashboard): readonly (readonly [string, string])[] =>
  panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
