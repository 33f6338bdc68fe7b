/**
 * CPU per trade and trades committed a second with the journal (`retain: 0`), the journal as it is
 * shipped (`recording`), metrics and tracing on, against off (c). An option that has no
 * effect in this version is skipped, and said so.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMicrosPerTrade, perSecond } from '../parts/contender.ts';
import { ratioOf, type Figure } from '../parts/figures.ts';
import type { Mdp } from '../parts/mdp.ts';
import { playPairs, type Contrast } from '../parts/pairs.ts';
import type { Bench } from '../parts/plan.ts';

export const measureOptions = async (bench: Bench): Promise<readonly Figure[]> => {
  const spans = countSpans();
  const options: readonly Contrast[] = [
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

const measureOption = async (bench: Bench, option: Contrast): Promise<readonly Figure[]> => {
  const pairs = await playPairs(bench, option);
  if (pairs.length === 0) return [];
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
