/**
 * A real Prometheus over running pipelines, with the repository's configuration and rules, hurried:
 * it scrapes and evaluates every second, and alerts do not wait for their `for`.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { parse, stringify } from 'yaml';
import { freePort } from '../free-port.ts';

export const monitoring = join(import.meta.dir, '../../monitoring');

const rule = v.looseObject({
  record: v.optional(v.string()),
  alert: v.optional(v.string()),
  expr: v.string(),
  for: v.optional(v.string()),
  labels: v.optional(v.record(v.string(), v.string())),
  annotations: v.optional(v.record(v.string(), v.string())),
});

const ruleFile = v.object({
  groups: v.array(v.object({ name: v.string(), rules: v.array(rule) })),
});

export const readRules = async (): Promise<v.InferOutput<typeof ruleFile>> =>
  v.parse(ruleFile, parse(await Bun.file(join(monitoring, 'alerts.yml')).text()));

const sample = v.pipe(
  v.object({
    metric: v.record(v.string(), v.string()),
    value: v.tuple([v.number(), v.string()]),
  }),
  v.transform(({ metric, value }) => ({ labels: metric, value: Number(value[1]) })),
);

const answer = v.object({
  status: v.literal('success'),
  data: v.object({ result: v.array(sample) }),
});

export type Sample = v.InferOutput<typeof sample>;

export type Prometheus = {
  /** The samples of an instant query. Throws with Prometheus' own words when it does not parse. */
  query(expression: string): Promise<readonly Sample[]>;
  stop(): Promise<void>;
};

/**
 * Starts Prometheus in `directory` for `targets`, each `host:port`, and `encrypted` ones by TLS;
 * resolves when it answers.
 */
export const startPrometheus = async (
  directory: string,
  targets: readonly string[],
  encrypted: readonly string[] = [],
): Promise<Prometheus> => {
  await writeHurried(directory, [
    { targets },
    { targets: encrypted, labels: { __scheme__: 'https' } },
  ]);
  const url = `http://127.0.0.1:${freePort()}`;
  const child = Bun.spawn(
    [
      'prometheus',
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'tsdb')}`,
      `--web.listen-address=${new URL(url).host}`,
      '--log.level=error',
    ],
    { cwd: directory, stdout: 'ignore', stderr: 'inherit' },
  );
  await untilReady(`${url}/-/ready`, child);
  return {
    query: async (expression) => {
      const body = new URLSearchParams({ query: expression });
      const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
      if (!response.ok) throw new Error(`${expression}\n${await response.text()}`);
      return v.parse(answer, await response.json()).data.result;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
};

type Targets = {
  readonly targets: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
};

const writeHurried = async (directory: string, targets: readonly Targets[]): Promise<void> => {
  const shipped: unknown = parse(await Bun.file(join(monitoring, 'prometheus.yml')).text());
  const [job] = v.parse(
    v.object({ scrape_configs: v.array(v.looseObject({})) }),
    shipped,
  ).scrape_configs;
  const config = {
    ...v.parse(v.looseObject({}), shipped),
    global: { scrape_interval: '1s', scrape_timeout: '900ms', evaluation_interval: '1s' },
    scrape_configs: [
      { ...job, tls_config: { insecure_skip_verify: true }, static_configs: targets },
    ],
  };
  const { groups } = await readRules();
  const atOnce = groups.map(({ name, rules }) => ({
    name,
    rules: rules.map(({ for: _wait, ...rest }) => rest),
  }));
  await Bun.write(join(directory, 'prometheus.yml'), stringify(config));
  await Bun.write(join(directory, 'alerts.yml'), stringify({ groups: atOnce }));
};

const untilReady = async (url: string, child: Bun.Subprocess): Promise<void> => {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      // Not listening yet: asked again until the deadline.
      () => false,
    );
    if (ready) return;
    if (child.exitCode !== null) throw new Error(`prometheus exited with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error('prometheus is not ready in time');
    await Bun.sleep(50);
  }
};
