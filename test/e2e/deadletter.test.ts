import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../postgres/database.ts';
import { inDirectory, mdp, query, type Environment } from './mdp.ts';

const DAY = 1_795_435_200_000;

const frameOf = (id: number, price = '1.5'): string =>
  JSON.stringify({
    stream: 'btcusdt@trade',
    data: { e: 'trade', E: DAY, s: 'BTCUSDT', t: id, p: price, q: '2', T: DAY, m: true },
  });

/** A good frame, garbage, and one whose price is none. */
const recording = (): string =>
  [frameOf(1), '{"stream":', frameOf(3, 'dear')]
    .map((frame, index) => `${DAY * 1000 + index} ${frame}\n`)
    .join('');

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);

afterAll(() => database.drop());

const databases: readonly (readonly [string, () => Environment])[] = [
  ['SQLite', () => ({ DATABASE_URL: 'sqlite:./mdp.db' })],
  ['PostgreSQL', () => ({ DATABASE_URL: database.url })],
];

describe.each(databases)('in %s', (_, environmentOf) => {
  test(
    'lists what was refused, tries it again, and removes it',
    () =>
      inDirectory(async (directory) => {
        const environment = environmentOf();
        const letters = async (...args: readonly string[]): Promise<string> => {
          const { code, stdout, stderr } = await mdp(
            directory,
            ['deadletter', ...args],
            environment,
          );
          return code === 0 ? stdout : stderr;
        };
        writeFileSync(join(directory, 'hft-day'), recording());
        const replay = ['replay', 'hft-day', '--venue', 'binance'];
        expect((await mdp(directory, replay, environment)).code).toBe(0);
        expect(await letters('ls')).toMatch(/replay {2}decode {2}bad_number.*\n2 dead letters\n$/s);
        expect(await letters('ls', '--reason', 'not_json')).toContain('\n1 dead letters\n');
        const none = '0 accepted and removed, 2 refused again, 0 cannot be tried\n';
        expect(await letters('retry', '--venue', 'binance')).toBe(none);
        expect(await letters('purge', '--reason', 'not_json')).toBe('1 dead letters removed\n');
        expect(await letters('ls')).toContain('\n1 dead letters\n');
        expect((await query(directory, 'trades', 'BTCUSDT', environment)).length).toBe(1);
      }),
    60_000,
  );
});

test('a frame and a row that are accepted now leave the table', async () => {
  await inDirectory(async (directory) => {
    const environment = { DATABASE_URL: database.url };
    const row = {
      kind: 'trade',
      instrument: { id: 0, venue: 'kraken', symbol: 'BTC/USD' },
      eventTime: DAY * 1000,
      receiveTime: DAY * 1000,
      id: '9007199254740993',
      price: '60000.5',
      size: '0.00000001',
    };
    const insert = (position: number, stage: string, payload: string): Promise<unknown> =>
      database.query(
        `insert into mdp.dead_letter values (${position}, 0, now(), 'binance', '${stage}', 'test',
           null, convert_to('${payload}', 'utf8'))`,
      );
    await insert(71, 'decode', frameOf(7));
    await insert(72, 'sink', `trade ${JSON.stringify(row)}`);
    const { stdout } = await mdp(
      directory,
      ['deadletter', 'retry', '--reason', 'test'],
      environment,
    );
    expect(stdout).toBe('2 accepted and removed, 0 refused again, 0 cannot be tried\n');
    const [btc] = (await query(directory, 'trades', 'BTCUSDT', environment)).slice(-1);
    expect(btc).toMatchObject({ trade_id: '7', price: '1.5', late: true });
    const [kraken] = await query(directory, 'trades', 'BTC/USD', environment);
    expect(kraken).toMatchObject({ trade_id: '9007199254740993', size: '0.00000001', late: false });
  });
}, 60_000);
