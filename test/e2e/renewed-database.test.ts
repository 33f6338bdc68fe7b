/** Another address or password for the database, while the program runs. */
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestDatabase } from '../postgres/database.ts';
import { inDirectory, query, startMdp, until, type Environment } from './mdp.ts';

const SYMBOL = 'SYN-001';
const RUN: Environment = {
  DATABASE_URL_FILE: './url',
  PIPELINE_SOURCES: '[{"type":"synthetic","count":1,"rate":1000}]',
};

test('a changed DATABASE_URL_FILE is followed without a restart; no trade is lost', async () => {
  const [before, after] = [await createTestDatabase(), await createTestDatabase()];
  try {
    await inDirectory(async (directory) => {
      const say = (url: string): void => writeFileSync(join(directory, 'url'), `${url}\n`);
      say(before.url);
      const run = await startMdp(directory, RUN);
      const committed = async (): Promise<number> =>
        (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;
      const more = async (count: number): Promise<number> => {
        const least = (await committed()) + count;
        return until(committed, (now) => now >= least);
      };
      await more(500);
      say(after.url);
      await until(
        () => Promise.resolve(run.log()),
        (log) => log.includes('The database is reached anew'),
      );
      await more(500);
      say(before.url.replace('://', '://nobody:wrong@').replace(/@.*@/, '@'));
      await until(
        async () => (await run.health()).entries.find(({ kind }) => kind === 'sink')?.status,
        (status) => status !== 'healthy',
      );
      say(before.url);
      await until(
        async () => (await run.health()).status,
        (status) => status === 'healthy',
      );
      await more(500);
      expect(await run.stop()).toBe(0);
      const [first, second] = await Promise.all(
        [before, after].map(({ url }) => query(directory, 'trades', SYMBOL, { DATABASE_URL: url })),
      );
      expect(first?.length).toBeGreaterThan(900);
      expect(second?.length).toBeGreaterThan(400);
      const ids = [...(first ?? []), ...(second ?? [])].map((row) => Number(row['trade_id']));
      const sorted = ids.toSorted((a, b) => a - b);
      const least = sorted[0] ?? 0;
      expect(sorted).toEqual(sorted.map((_, index) => least + index));
    });
  } finally {
    await Promise.all([before.drop(), after.drop()]);
  }
}, 60_000);
