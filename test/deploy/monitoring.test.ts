/**
 * A real Prometheus watches real pipelines: every expression of the dashboard and the rules has
 * data, every alert fires when its fault is made, and none names the pipeline that is well.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { inDirectory, until, type Running } from '../e2e/mdp.ts';
import { expressionsOf, filledIn, readDashboard } from './dashboard.ts';
import {
  holdUpCommits,
  loseAuditLine,
  refuseConfiguration,
  restartOften,
  stall,
  startAdrift,
  startAway,
  startCalm,
  startDamaged,
  startExpiring,
  startOdd,
  startPiling,
  startTroubled,
} from './faults.ts';
import { freePort } from '../free-port.ts';
import { readRules, startPrometheus, type Prometheus } from './prometheus.ts';
import { has, isRoot } from './tools.ts';

const RESTARTS = 4;
const WITHIN_MS = 50_000;
/** Where others take all the CPU, these are right of a pipeline that is well by itself. */
const OF_THE_MACHINE = ['MdpDown', 'MdpEventLoopSlow'];
/** A full disk is a small one, which only root can mount; promtool's cases have the alert too. */
const mounts = isRoot();
const NOT_MADE = mounts ? [] : ['MdpJournalAway'];

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
  const away = mounts ? [await startAway(await directory())] : [];
  const [restarted, damaged] = [freePort(), freePort()];
  const faulty = [troubled, adrift, ...away];
  const expiring = await startExpiring(await directory());
  const running = [calm, odd, piling, ...faulty.map(({ run }) => run)].map(instanceOf);
  const encrypted = [instanceOf(expiring)];
  const later = [restarted, damaged].map((port) => `127.0.0.1:${port}`);
  prometheus = await startPrometheus(await directory(), [...running, ...later], encrypted);
  ends.unshift(
    () => prometheus.stop(),
    () => calm.stop(),
    () => odd.stop(),
    () => expiring.stop(),
    ...faulty.map((one) => () => one.stop()),
    () => piling.stop(),
  );
  await scrapedOnce([...running, ...encrypted]);
  refuseConfiguration(oddDirectory, odd);
  await loseAuditLine(oddDirectory, odd);
  await Promise.all([
    holdUpCommits(troubled.url),
    stallUntilNoticed(odd),
    restartOften(restarted, RESTARTS, restartSeen(`127.0.0.1:${restarted}`)),
    loseRecords(damaged),
  ]);
};

/** Increases are seen only from the first scrape on. */
const scrapedOnce = async (instances: readonly string[]): Promise<void> => {
  await until(
    () => prometheus.query('mdp_build_info'),
    (samples) => samples.length === instances.length,
  );
};

const loseRecords = async (port: number): Promise<void> => {
  const sound = `mdp_journal_bytes{instance="127.0.0.1:${port}"} > 100000`;
  const seen = async (): Promise<boolean> => (await prometheus.query(sound)).length > 0;
  const run = await startDamaged(await directory(), port, seen);
  ends.unshift(() => run.stop());
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
    const names = (await prometheus.query(named)).map(({ labels }) => labels['alertname'] ?? '');
    expect(names.filter((name) => !OF_THE_MACHINE.includes(name))).toEqual([]);
    expect(await numbers(`mdp_sink_up{instance="${instanceOf(calm)}"} == 1`)).toBe(1);
  });
});
