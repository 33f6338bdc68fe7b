/**
 * A million frames at full speed and twenty `kill -9` at random moments, with SQLite and with a
 * PostgreSQL that is stopped twice meanwhile.
 *
 *     ./scripts/dev.sh soak kill [FRAMES] [KILLS] [SEED]
 */
import { withPostgres, withSqlite } from '../ordeal/databases.ts';
import { killed } from '../ordeal/trial.ts';

const [frames = 1_000_000, kills = 20, seed = Math.floor(Math.random() * 2 ** 31)] = Bun.argv
  .slice(2)
  .map(Number);
/** All records stay, for the run that repeats them; of a quarter of it a checkpoint is due. */
const environment = { PIPELINE_JOURNAL_MAX_BYTES: String(Math.max(24 * 1024 ** 2, frames * 250)) };
let failed = false;
for (const [name, database] of [
  ['SQLite', withSqlite],
  ['PostgreSQL', withPostgres],
] as const) {
  const began = performance.now();
  await database(async (setting) => {
    const { complaints, trades, bars, holes } = await killed(
      { frames, kills, seed, environment },
      setting,
    );
    failed ||= complaints.length > 0;
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(
      `${name}, seed ${seed}: ${frames} frames, ${kills} kills, ${trades} trades, ${bars} bars ` +
        `stored, ${holes} holes, ${seconds} s`,
    );
    for (const complaint of complaints) console.log(`  ${complaint}`);
  });
}
process.exitCode = failed ? 1 : 0;
