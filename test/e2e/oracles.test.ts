import { expect, test } from 'bun:test';
import { describeWithCaptures } from '../captures.ts';
import { createTestDatabase } from '../postgres/database.ts';
import { btcusdt2024, klines2021, xrpeth } from './oracle-data.ts';
import { describeOracles, sorted, type FreshDatabase } from './oracles.ts';

const postgres: FreshDatabase = async () => {
  const database = await createTestDatabase();
  return { environment: { DATABASE_URL: database.url }, drop: () => database.drop() };
};

const sqlite: FreshDatabase = () =>
  Promise.resolve({
    environment: { DATABASE_URL: 'sqlite:./mdp.db' },
    drop: () => Promise.resolve(),
  });

const inPostgres = describeOracles('PostgreSQL', postgres);
const inSqlite = describeOracles('SQLite', sqlite);

describeWithCaptures('PostgreSQL and SQLite', () => {
  for (const oracle of [xrpeth, klines2021, btcusdt2024]) {
    const { name } = oracle();
    test(`hold the same rows, byte for byte, after a replay of ${name}`, async () => {
      const one = sorted(await inPostgres(oracle));
      const other = sorted(await inSqlite(oracle));
      expect(one.length).toBeGreaterThan(1000);
      expect(one.join('\n') === other.join('\n')).toBe(true);
    }, 120_000);
  }
});
