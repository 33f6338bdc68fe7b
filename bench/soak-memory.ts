/**
 * Whether memory grows: the executable for an hour at 20,000 trades a second into PostgreSQL. The
 * median of its resident memory in the last sixth, less that of the second sixth, must stay below
 * 8 MiB. Every trade must be in the database at the end.
 *
 *     ./scripts/dev.sh soak memory [MINUTES] [TRADES_PER_SECOND]
 */
import { Database } from './parts/database.ts';
import { startFeed } from './parts/feed.ts';
import { spreadOf } from './parts/figures.ts';
import { startExecutable } from './parts/mdp.ts';
import { symbolCount } from './parts/plan.ts';
import { peakMiB, residentMiB } from './parts/process.ts';

const minutes = Number(process.argv[2] ?? 60);
const rate = Number(process.argv[3] ?? 20_000);
const floorMiB = 8;
const samplesInAll = 360;

async function main(): Promise<boolean> {
  const database = await Database.start();
  const feed = await startFeed();
  const mdp = await startExecutable({ feed, databaseUrl: database.url, symbols: symbolCount });
  const samples: number[] = [];
  const sampling = setInterval(
    () => samples.push(residentMiB(mdp.pid)),
    (minutes * 60_000) / samplesInAll,
  );
  try {
    const run = await mdp.play(minutes * 60 * rate, rate);
    clearInterval(sampling);
    await database.requireRows('mdp.trade', run.trades);
    return report(run.trades, samples, peakMiB(mdp.pid));
  } finally {
    clearInterval(sampling);
    await mdp.close();
    await feed.close();
    await database.close();
  }
}

function report(trades: number, samples: readonly number[], peak: number): boolean {
  const sixth = Math.floor(samples.length / 6);
  const early = spreadOf(samples.slice(sixth, 2 * sixth)).median;
  const late = spreadOf(samples.slice(-sixth)).median;
  const growth = late - early;
  process.stdout.write(
    [
      `${trades} trades in ${minutes} minutes, all in the database`,
      `resident MiB: ${early.toFixed(1)} early, ${late.toFixed(1)} late, ${peak.toFixed(1)} most`,
      `growth ${growth.toFixed(1)} MiB, floor ${floorMiB}: ${growth < floorMiB ? 'pass' : 'FAIL'}`,
      '',
    ].join('\n'),
  );
  return growth < floorMiB;
}

process.exitCode = (await main()) ? 0 : 1;
