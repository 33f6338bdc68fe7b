/**
 * Where the executable's main thread spends its time under flood: by stage and by function, from
 * `--cpu-prof` of the executable itself. The profile gives the shares and the kernel the thread's
 * CPU time, since on a busy machine the profiler also counts time in which others ran. Other
 * threads collect garbage, compile, and write files.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../test/e2e/mdp.ts';
import type { FeedVenue } from '../feed/dialects.ts';
import { cpuMicrosPerTrade } from '../parts/contender.ts';
import { readProfile, type Profile, type Shares } from '../parts/cpu-profile.ts';
import { startFeed } from '../parts/feed.ts';
import type { Figure } from '../parts/figures.ts';
import { startExecutable } from '../parts/mdp.ts';
import { symbolCount, type Bench } from '../parts/plan.ts';
import { mainThreadSeconds } from '../parts/process.ts';

const shownFunctions = 25;

type Setup = {
  readonly name: string;
  readonly venue: FeedVenue;
  readonly environment: Environment;
};

const setups: readonly Setup[] = [
  { name: 'committing', venue: 'binance', environment: {} },
  { name: 'bars only', venue: 'binance', environment: { PIPELINE_DATABASE_STORE: 'bars' } },
];

export const measureProfile = async (bench: Bench): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const setup of setups) figures.push(...(await profile(bench, setup)));
  return figures;
};

const profile = async (bench: Bench, setup: Setup): Promise<readonly Figure[]> => {
  const { plan, database, say } = bench;
  say(`profiling: ${setup.name}`);
  const directory = mkdtempSync(join(tmpdir(), 'mdp-bench-profile-'));
  const feed = await startFeed(setup.venue);
  try {
    const mdp = await startExecutable({
      feed,
      databaseUrl: database.url,
      symbols: symbolCount,
      environment: {
        ...setup.environment,
        BUN_OPTIONS: `--cpu-prof --cpu-prof-dir=${directory}`,
      },
    });
    // The compiler's threads are busy in the first play; the shares are of both.
    await mdp.play(plan.read);
    const before = mainThreadSeconds(mdp.pid);
    const run = await mdp.play(plan.read);
    const main = ((mainThreadSeconds(mdp.pid) - before) * 1e6) / run.trades;
    await mdp.close();
    const [file = ''] = readdirSync(directory);
    const seen = await readProfile(join(directory, file));
    show(`${setup.name}, by function, self time:`, seen.functions, shownFunctions);
    return figuresOf(setup.name, seen, main, cpuMicrosPerTrade(run));
  } finally {
    await feed.close();
    rmSync(directory, { recursive: true });
  }
};

const figuresOf = (
  name: string,
  { stages }: Profile,
  main: number,
  all: number,
): readonly Figure[] => [
  ...[...stages].map(([stage, share]): Figure => ({
    id: `profile-${name}-${stage}`,
    title: `profile, ${name}: ${stage}, per trade`,
    unit: 'µs',
    samples: [share * main],
  })),
  {
    id: `profile-${name}-other`,
    title: `profile, ${name}: other threads`,
    unit: 'µs',
    samples: [all - main],
  },
];

const show = (title: string, shares: Shares, count: number): void => {
  const lines = [...shares]
    .slice(0, count)
    .map(([name, share]) => `${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
  process.stdout.write(`${title}\n${lines.join('\n')}\n`);
};
