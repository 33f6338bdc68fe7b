/**
 * Trades committed a second, against `psql \copy` of the same rows into the same table (a) and
 * against the plain script (d). Each round runs each once, so that what else the machine does hits
 * all alike.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { underBun } from '../parts/child.ts';
import {
  cpuMicrosPerTrade,
  perSecond,
  startScript,
  type Contender,
  type Run,
} from '../parts/contender.ts';
import type { Feed } from '../parts/feed.ts';
import { startFeed } from '../parts/feed.ts';
import { ratioOf, type Figure } from '../parts/figures.ts';
import { startExecutable } from '../parts/mdp.ts';
import { repeat, symbolCount, type Bench } from '../parts/plan.ts';
import { peakMiB } from '../parts/process.ts';

type Round = { readonly mdp: Run; readonly plain: Run; readonly copiedPerSecond: number };

export const measureCommit = async (bench: Bench): Promise<readonly Figure[]> => {
  const databaseUrl = bench.database.url;
  const feeds = [await startFeed(), await startFeed()] as const;
  const mdp = await startExecutable({ feed: feeds[0], databaseUrl, symbols: symbolCount });
  const plain = await startScript(underBun('plain-script.ts'), feeds[1], symbolCount, [
    databaseUrl,
  ]);
  const directory = mkdtempSync(join(tmpdir(), 'mdp-bench-'));
  try {
    const file = join(directory, 'trades.txt');
    const rounds = await repeat(bench, 'committing', () => round(bench, mdp, plain, file));
    const peak = peakMiB(mdp.pid);
    return figures(rounds, peak);
  } finally {
    await closeAll(mdp, plain, feeds);
    rmSync(directory, { recursive: true });
  }
};

const round = async (
  { plan, database }: Bench,
  mdp: Contender,
  plain: Contender,
  file: string,
): Promise<Round> => {
  await database.empty('mdp.trade');
  const ours = await mdp.play(plan.stored);
  await database.requireRows('mdp.trade', ours.trades);
  await database.exportTrades(file);
  await database.empty('mdp.trade');
  const copySeconds = await database.copyTrades(file);
  await database.empty('mdp.trade');
  await database.empty('plain_trade');
  const theirs = await plain.play(plan.stored);
  await database.requireRows('plain_trade', theirs.trades);
  return { mdp: ours, plain: theirs, copiedPerSecond: ours.trades / copySeconds };
};

const committed = (run: Run): number => perSecond(run.trades, run);

const figures = (rounds: readonly Round[], peak: number): readonly Figure[] => {
  const of = (read: (round: Round) => number): readonly number[] => rounds.map(read);
  const ours = of(({ mdp }) => committed(mdp));
  const copied = of(({ copiedPerSecond }) => copiedPerSecond);
  const theirs = of(({ plain }) => committed(plain));
  const ourCpu = of(({ mdp }) => cpuMicrosPerTrade(mdp));
  const theirCpu = of(({ plain }) => cpuMicrosPerTrade(plain));
  return [
    { id: 'committed', title: 'trades committed', unit: '/s', samples: ours },
    { id: 'psql-copy', title: 'psql \\copy, text, one, alone', unit: '/s', samples: copied },
    { id: 'plain-script', title: 'plain script', unit: '/s', samples: theirs },
    { id: 'cpu-per-trade', title: 'CPU per trade', unit: 'µs', samples: ourCpu },
    { id: 'plain-cpu', title: 'CPU per trade, plain script', unit: 'µs', samples: theirCpu },
    ratioOf({ id: 'a', title: 'a. committed ÷ psql \\copy', better: 'more' }, ours, copied),
    ratioOf({ id: 'd', title: 'd. committed ÷ plain script', better: 'more' }, ours, theirs),
    ratioOf(
      { id: 'd-cpu', title: 'd. CPU per trade ÷ plain script', better: 'less' },
      ourCpu,
      theirCpu,
    ),
    { id: 'peak-memory-flood', title: 'peak memory at full speed', unit: 'MiB', samples: [peak] },
  ];
};

const closeAll = async (
  mdp: Contender,
  plain: Contender,
  feeds: readonly Feed[],
): Promise<void> => {
  await mdp.close();
  await plain.close();
  await Promise.all(feeds.map((feed) => feed.close()));
};
