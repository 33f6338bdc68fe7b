/** `mdp migrate` and `mdp query` against a real PostgreSQL, beside the same rows in SQLite. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../postgres/database.ts';
import { inDirectory, mdp } from './mdp.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);

afterAll(() => database.drop());

const noon = Date.UTC(2026, 10, 23, 12);

/**
 * Digits that no float keeps, and what a venue sends that a database must not store: zeros behind.
 */
const trades = [
  ['0.1', '123456789012.123456789012345678'],
  ['60000.50', '0.00000001'],
  ['9007199254740993', '2.500'],
] as const;

const recording = trades
  .map(([p, q], index) => {
    const at = noon + index * 20_000;
    const data = { e: 'trade', E: at, s: 'BTCUSDT', t: index + 1, p, q, T: at, m: index === 1 };
    return `${(at + 5) * 1_000_000} ${JSON.stringify({ stream: 'btcusdt@trade', data })}`;
  })
  .join('\n');

test('gives the digits of SQLite, byte for byte, in every view and format', () =>
  inDirectory(async (directory) => {
    await Bun.write(join(directory, 'feed'), `${recording}\n`);
    const databases = [{ DATABASE_URL: database.url }, { DATABASE_URL: 'sqlite:./mdp.db' }];
    const answers: string[][] = [];
    for (const env of databases) {
      const replayed = await mdp(directory, ['replay', 'feed', '--venue', 'binance'], env);
      expect(replayed).toMatchObject({ code: 0 });
      const told: string[] = [];
      for (const kind of ['trades', 'bars', 'quotes', 'gaps']) {
        for (const format of ['table', 'csv', 'json']) {
          const args = ['query', kind, 'BTCUSDT', '--format', format];
          const { code, stdout } = await mdp(directory, args, env);
          expect(code).toBe(0);
          told.push(stdout);
        }
      }
      answers.push(told);
    }
    const [postgres, sqlite] = answers;
    expect(postgres).toEqual(sqlite ?? []);
    expect(postgres?.[1]).toContain('123456789012.123456789012345678');
    expect(postgres?.[1]).toContain('9007199254740993,2.5,');
  }));

test('migrates by hand, prints the same script, and says so where nothing is to do', () =>
  inDirectory(async (directory) => {
    const other = await createTestDatabase();
    const printed = await createTestDatabase();
    try {
      const env = { DATABASE_URL: other.url };
      for (const round of ['first', 'again']) {
        const { code, stdout } = await mdp(directory, ['migrate'], env);
        expect({ round, code, stdout: stdout.slice(0, 20) }).toEqual({
          round,
          code: 0,
          stdout: 'the schema is there:',
        });
      }
      const script = await mdp(directory, ['migrate', '--print'], env);
      await printed.query(script.stdout);
      // The upkeep of a sink that opens may have made today's partitions already.
      const columns = `select table_name, column_name, data_type from information_schema.columns
        where table_schema = 'mdp' and table_name !~ '_[0-9]{6,8}$' order by 1, ordinal_position`;
      const made = await other.query(columns);
      expect(made.length).toBeGreaterThan(80);
      expect(await printed.query(columns)).toEqual(made);
      const checked = await mdp(directory, ['migrate'], { DATABASE_URL: printed.url });
      expect(checked.code).toBe(0);
    } finally {
      await other.drop();
      await printed.drop();
    }
  }));
