/**
 * CPU per trade and trades committed a second with the journal (`retain: 0`), the journal as it is
 * shipped (`recording`), metrics and tracing on, against off (c). An option that has no
 * effect in this version is skipped, and said so.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../test/e2e/mdp.ts';
import { cpuMicrosPerTrade, perSecond, type Run } from '../parts/contender.ts';
import { startFeed, type Feed } from '../parts/feed.ts';
import { ratioOf, type Figure } from '../parts/figures.ts';
import { startExecutable, type Mdp } from '../parts/mdp.ts';
import { repeat, symbolCount, type Bench } from '../parts/plan.ts';

/**
 * Pairs of processes: two runs of one program differ by a twentieth for as long as they live, as
 * their code happened to be compiled. Each pair plays its share of the rounds.
 */
const PAIRS = 3;
/** As often as Prometheus asks where it is in a hurry. */
const scrapeMs = 1_000;

type Option = {
  readonly name: string;
  readonly on: Environment;
  readonly off: Environment;
  /** Whether it does anything, seen while it is on. */
  readonly effective: (mdp: Mdp) => Promise<boolean>;
};

export const measureOptions = async (bench: Bench): Promise<readonly Figure[]> => {
  const spans = countSpans();
  const options: readonly Option[] = [
    {
      name: 'journal',
      on: { PIPELINE_JOURNAL_ENABLED: 'true', PIPELINE_JOURNAL_RETAIN: '0' },
      off: { PIPELINE_JOURNAL_ENABLED: 'false' },
      effective: hasJournal,
    },
    {
      name: 'recording',
      on: { PIPELINE_JOURNAL_ENABLED: 'true' },
      off: { PIPELINE_JOURNAL_ENABLED: 'false' },
      effective: hasJournal,
    },
    {
      name: 'metrics',
      on: { PIPELINE_ENABLE_METRICS: 'true' },
      off: { PIPELINE_ENABLE_METRICS: 'false' },
      effective: async (mdp) => (await mdp.get('/metrics')).includes('mdp_frames_total'),
    },
    {
      name: 'tracing',
      on: { PIPELINE_ENABLE_TRACING: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: spans.url },
      off: { PIPELINE_ENABLE_TRACING: 'false' },
      effective: () => spans.came(),
    },
  ];
  try {
    const figures: Figure[] = [];
    for (const option of options) figures.push(...(await measureOption(bench, option)));
    return figures;
  } finally {
    await spans.stop();
  }
};

type Pair = { readonly with: Run; readonly without: Run };

const measureOption = async (bench: Bench, option: Option): Promise<readonly Figure[]> => {
  const count = bench.plan.quick ? 1 : PAIRS;
  const pairs: Pair[] = [];
  for (let at = 1; at <= count; at += 1) {
    const rounds = Math.ceil((bench.plan.rounds - pairs.length) / (count - at + 1));
    const played = await playPairs({ ...bench, plan: { ...bench.plan, rounds } }, option);
    if (played === undefined) return [];
    pairs.push(...played);
  }
  return [
    ratioOf(
      { id: `c-${option.name}`, title: `c. CPU with ${option.name} ÷ without`, better: 'less' },
      pairs.map((pair) => cpuMicrosPerTrade(pair.with)),
      pairs.map((pair) => cpuMicrosPerTrade(pair.without)),
    ),
    ratioOf(
      {
        id: `c-${option.name}-rate`,
        title: `c. committed with ${option.name} ÷ without`,
        better: 'more',
      },
      pairs.map((pair) => perSecond(pair.with.trades, pair.with)),
      pairs.map((pair) => perSecond(pair.without.trades, pair.without)),
    ),
    {
      id: `stage-${option.name}`,
      title: `stage ${option.name}, what it adds`,
      unit: 'µs',
      samples: pairs.map((pair) => cpuMicrosPerTrade(pair.with) - cpuMicrosPerTrade(pair.without)),
    },
  ];
};

/** A fresh pair of processes; undefined where the option has no effect. */
const playPairs = async (bench: Bench, option: Option): Promise<readonly Pair[] | undefined> => {
  const feeds = [await startFeed(), await startFeed()] as const;
  const on = await start(bench, feeds[0], option.on);
  const off = await start(bench, feeds[1], option.off);
  try {
    await on.play(bench.plan.stored);
    if (!(await option.effective(on))) {
      bench.say(`SKIPPED: ${option.name} has no effect in this version`);
      return undefined;
    }
    return await repeat(bench, option.name, async () => ({
      with: await playOn(bench, on),
      without: await playOn(bench, off),
    }));
  } finally {
    await on.close();
    await off.close();
    for (const feed of feeds) await feed.close();
  }
};

const start = (bench: Bench, feed: Feed, environment: Environment): Promise<Mdp> =>
  startExecutable({
    feed,
    databaseUrl: bench.database.url,
    symbols: symbolCount,
    environment,
  });

/** One play, while metrics are asked for as they would be. */
const playOn = async (bench: Bench, mdp: Mdp): Promise<Run> => {
  await bench.database.empty('mdp.trade');
  const scrape = setInterval(() => void mdp.get('/metrics').catch(ignoreLate), scrapeMs);
  try {
    return await mdp.play(bench.plan.stored);
  } finally {
    clearInterval(scrape);
  }
};

/** A scrape that was cut off costs nothing and shows nothing. */
const ignoreLate = (): void => undefined;

const hasJournal = (mdp: Mdp): Promise<boolean> => {
  const directory = join(mdp.directory, 'data/journal');
  return Promise.resolve(existsSync(directory) && readdirSync(directory).length > 0);
};

/** Takes spans as a collector would, and forgets them. */
const countSpans = () => {
  let requests = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      requests += 1;
      await request.arrayBuffer();
      return Response.json({});
    },
  });
  /** Spans are sent every five seconds, or when there are many. */
  const came = async (): Promise<boolean> => {
    for (let waited = 0; requests === 0 && waited < 10_000; waited += 100) await Bun.sleep(100);
    return requests > 0;
  };
  return { url: server.url.origin, came, stop: () => server.stop(true) };
};
