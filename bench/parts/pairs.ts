/**
 * Two executables that differ in their environment, side by side. Each round has a fresh pair of
 * processes: two runs of one program differ by a twentieth for as long as they live, as their code
 * happened to be compiled, and only other processes even that out.
 */
import type { Environment } from '../../test/e2e/mdp.ts';
import type { Run } from './contender.ts';
import { startFeed, type Feed } from './feed.ts';
import { startExecutable, type Mdp } from './mdp.ts';
import { symbolCount, type Bench } from './plan.ts';

export type Contrast = {
  readonly name: string;
  readonly on: Environment;
  readonly off: Environment;
  /** Whether `on` does anything, seen while it is on; left out where it surely does. */
  readonly effective?: (mdp: Mdp) => Promise<boolean>;
};

export type Pair = { readonly with: Run; readonly without: Run };

/** As often as Prometheus asks where it is in a hurry. */
const scrapeMs = 1_000;

/** A pair a round; none, and said so, where the contrast has no effect. */
export const playPairs = async (bench: Bench, contrast: Contrast): Promise<readonly Pair[]> => {
  const { plan, say } = bench;
  const pairs: Pair[] = [];
  for (let round = 1; round <= plan.rounds; round += 1) {
    say(`${contrast.name}: ${round} of ${plan.rounds}`);
    const pair = await playPair(bench, contrast, round % 2 === 0);
    if (pair === undefined) {
      say(`SKIPPED: ${contrast.name} has no effect in this version`);
      return [];
    }
    pairs.push(pair);
  }
  return pairs;
};

const playPair = async (
  bench: Bench,
  { on, off, effective }: Contrast,
  offFirst: boolean,
): Promise<Pair | undefined> => {
  const feeds = [await startFeed(), await startFeed()] as const;
  const mdps = [await start(bench, feeds[0], on), await start(bench, feeds[1], off)] as const;
  try {
    for (const mdp of mdps) await playOn(bench, mdp);
    if ((await effective?.(mdps[0])) === false) return undefined;
    const before = offFirst ? await playOn(bench, mdps[1]) : undefined;
    const withIt = await playOn(bench, mdps[0]);
    return { with: withIt, without: before ?? (await playOn(bench, mdps[1])) };
  } finally {
    for (const mdp of mdps) await mdp.close();
    for (const feed of feeds) await feed.close();
  }
};

const start = (bench: Bench, feed: Feed, environment: Environment): Promise<Mdp> =>
  startExecutable({ feed, databaseUrl: bench.database.url, symbols: symbolCount, environment });

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
