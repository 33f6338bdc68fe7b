/**
 * A real Prometheus watches real pipelines: every expression of the dashboard and the rules has
 * data, every alert fires when its fault is made, and none names the pipeline that is well.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { inDirectory, until, type Running } from '../e2e/mdp.ts';
import { expressionsOf, filledIn, readDashboard } from './dashboard.ts';
import {
  holdUpCommits,
  refuseConfiguration,
  restartOften,
  stall,
  startAdrift,
  startCalm,
  startOdd,
  startPiling,
  startTroubled,
} from './faults.ts';
import { freePort, readRules, startPrometheus, type Prometheus } from './prometheus.ts';
import { has } from './tools.ts';

const RESTARTS = 4;
const WITHIN_MS = 50_000;
/** Their faults are a disk's; promtool's cases have them. */
const NOT_MADE = ['MdpJournalAway', 'MdpJournalDamaged'];

const { groups } = await readRules();
const rules = groups.flatMap((group) => group.rules);
const recorded = rules.flatMap(({ record }) => (record === undefined ? [] : [record]));
const alerts = rules
  .flatMap(({ alert }) => (alert === undefined ? [] : [alert]))
  .filter((alert) => !NOT_MADE.includes(alert));

let prometheus: Prometheus;
let calm: Running;
const ends: (() => Promise<unknown>)[] = [];

const instanceOf = (run: Running): string => new URL(run.url).host;

/** A directory that lives as long as the test. */
const directory = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const { promise, resolve: end } = Promise.withResolvers<void>();
    const through = inDirectory((path) => {
      resolve(path);
      return promise;
    });
    through.catch(reject);
    ends.push(() => {
      end();
      return through;
    });
  });

const startEverything = async (): Promise<void> => {
  calm = await startCalm(await directory());
  const oddDirectory = await directory();
  const odd = await startOdd(oddDirectory);
  const troubled = await startTroubled(await directory());
  const adrift = await startAdrift(await directory());
  const piling = await startPiling(await directory());
  const restarted = freePort();
  const running = [calm, odd, piling, troubled.run, adrift.run].map(instanceOf);
  prometheus = await startPrometheus(await directory(), [...running, `127.0.0.1:${restarted}`]);
  ends.unshift(
    () => prometheus.stop(),
    () => calm.stop(),
    () => odd.stop(),
    () => troubled.stop(),
    () => adrift.stop(),
    () => piling.stop(),
  );
  await scrapedOnce(running);
  refuseConfiguration(oddDirectory, odd);
  await Promise.all([
    holdUpCommits(troubled.url),
    stallUntilNoticed(odd),
    restartOften(restarted, RESTARTS, restartSeen(`127.0.0.1:${restarted}`)),
  ]);
};

/** Increases are seen only from the first scrape on. */
const scrapedOnce = async (instances: readonly string[]): Promise<void> => {
  await until(
    () => prometheus.query('mdp_build_info'),
    (samples) => samples.length === instances.length,
  );
};

const restartSeen =
  (instance: string) =>
  async (start: number): Promise<boolean> => {
    const seen = `changes(process_start_time_seconds{instance="${instance}"}[15m])`;
    return (await prometheus.query(seen)).some(({ value }) => value >= start - 1);
  };

const stallUntilNoticed = async (run: Running): Promise<void> => {
  const noticed = 'max_over_time(ALERTS{alertname="MdpEventLoopSlow",alertstate="firing"}[5m])';
  for (let round = 0; round < 30; round += 1) {
    await stall(run);
    if ((await prometheus.query(noticed)).length > 0) return;
  }
};

/** Samples that are numbers: an average of nothing is none. */
const numbers = async (expression: string): Promise<number> =>
  (await prometheus.query(expression)).filter(({ value }) => Number.isFinite(value)).length;

const hasData = async (expression: string): Promise<void> => {
  await until(
    async () => ({ expression, samples: await numbers(expression) }),
    ({ samples }) => samples > 0,
    WITHIN_MS,
  );
};

describe.skipIf(!has('prometheus', 'prometheus'))('a real Prometheus', () => {
  beforeAll(startEverything, 120_000);
  afterAll(async () => {
    for (const end of ends) await end();
  }, 60_000);

  test('every rule that is recorded has data', async () => {
    for (const name of recorded) await hasData(name);
  });

  test('every expression of every panel has data', async () => {
    const expressions = expressionsOf(await readDashboard());
    expect(expressions.length).toBeGreaterThan(40);
    for (const [title, expression] of expressions) {
      const samples = await numbers(filledIn(expression));
      if (samples === 0) await hasData(filledIn(expression));
      expect(title).not.toBeEmpty();
    }
  });

  test.each(alerts)('%s fires when its fault is made', async (alert) => {
    await hasData(`last_over_time(ALERTS{alertname="${alert}",alertstate="firing"}[5m])`);
  });

  test('no alert names the pipeline that is well', async () => {
    const named = `last_over_time(ALERTS{instance="${instanceOf(calm)}"}[5m])`;
    const samples = await prometheus.query(named);
    expect(samples.map(({ labels }) => labels['alertname'])).toEqual([]);
    expect(await numbers(`mdp_sink_up{instance="${instanceOf(calm)}"} == 1`)).toBe(1);
  });
});
