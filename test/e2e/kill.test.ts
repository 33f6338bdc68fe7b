/**
 * `kill -9` at random moments under full load, through the executable: nothing that it had is lost,
 * nothing is there twice, and the books are right. `dev.sh soak kill` does the same at full size.
 */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { killed, type Trial } from '../ordeal/trial.ts';
import { withPostgres, withSqlite } from '../ordeal/databases.ts';

setDefaultTimeout(180_000);

const seed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** A journal with room for all of it, and so small that checkpoints come during a life. */
const environment = { PIPELINE_JOURNAL_MAX_BYTES: String(24 * 1024 ** 2) };
const trial: Trial = { frames: 100_000, kills: 6, seed, environment };

for (const [name, database] of [
  ['SQLite', withSqlite],
  ['PostgreSQL, which is stopped twice meanwhile', withPostgres],
] as const) {
  test(`six kills lose and double nothing on ${name} (KILL_SEED=${seed})`, () =>
    database(async (setting) => {
      const { complaints } = await killed(trial, setting);
      expect(complaints).toEqual([]);
    }));
}

test(`a day's bar outlives its frames and twenty kills (KILL_SEED=${seed})`, () =>
  withSqlite(async (setting) => {
    const small = {
      ...trial,
      frames: 40_000,
      kills: 20,
      rate: 8000,
      environment: {
        PIPELINE_JOURNAL_MAX_BYTES: String(1024 ** 2),
        PIPELINE_DROP_POLICY: 'block',
        PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1s,1d',
      },
      timeframes: ['1s', '1d'],
    };
    const { complaints } = await killed(small, setting);
    expect(complaints).toEqual([]);
  }));
