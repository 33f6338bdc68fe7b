import { expect, test } from 'bun:test';
import { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { createTestDatabase } from '../postgres/database.ts';
import { inDirectory, mdp, query, startMdp, until, type Environment } from './mdp.ts';

const SOURCES = { PIPELINE_SOURCES: '[{"type":"synthetic","rate":2000}]' };
const TIMEFRAMES = { PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1s' };

/** A run of some seconds; gives two whole seconds in the middle of it. */
const record = async (directory: string, environment: Environment) => {
  const run = await startMdp(directory, environment);
  await until(
    async () => (await run.status()).ledger.rows['trade']?.['committed'] ?? 0,
    (count) => count > 8000,
  );
  expect(await run.stop()).toBe(0);
  const trades = await query(directory, 'trades', 'SYN-001', environment);
  const first = Date.parse(String(trades[0]?.['ts']));
  const second = (seconds: number): string =>
    new Date((Math.ceil(first / 1000) + seconds) * 1000).toISOString();
  return { trades, from: second(1), to: second(3) };
};

const replace = (directory: string, from: string, to: string, environment: Environment) =>
  mdp(
    directory,
    ['replay', './data/journal', '--replace', '--from', from, '--to', to],
    environment,
  );

const content = async (directory: string, environment: Environment) => ({
  trades: await query(directory, 'trades', 'SYN-001', environment),
  quotes: await query(directory, 'quotes', 'SYN-001', environment),
  bars: await query(directory, 'bars', 'SYN-001', environment),
});

test(
  '--replace writes a range anew: what was wrong in it is right, what was outside is untouched',
  () =>
    inDirectory(async (directory) => {
      const environment = { ...SOURCES, ...TIMEFRAMES };
      const { from, to } = await record(directory, environment);
      const before = await content(directory, environment);
      const db = new Database(join(directory, 'data/mdp.db'));
      const micros = [Date.parse(from) * 1000, Date.parse(to) * 1000];
      db.run('update bar set close = 1, trade_count = 1 << 40 where ts >= ? and ts < ?', micros);
      db.run('delete from trade where ts >= ? and ts < ? and trade_id % 2 = 0', micros);
      const outside = Date.parse(from) * 1000 - 1_000_000;
      db.run('update bar set close = 7 where ts = ?', [outside]);
      db.close();
      expect((await replace(directory, from, to, environment)).code).toBe(0);
      const after = await content(directory, environment);
      expect(after.trades).toEqual(before.trades);
      expect(after.quotes).toEqual(before.quotes);
      const changed = after.bars.filter(({ close }) => close === '7');
      expect(changed.length).toBe(1);
      expect(after.bars.filter(({ close }) => close !== '7')).toEqual(
        before.bars.filter(({ ts }) => ts !== changed[0]?.['ts']),
      );
      const again = new Database(join(directory, 'data/mdp.db'), { readonly: true });
      const epochs = again.query('select distinct epoch from bar order by 1').values().flat();
      again.close();
      expect(epochs).toEqual([0, 1]);
    }),
  60_000,
);

test(
  '--replace is refused where it would cut a bar, remove bars for good, or be revised',
  () =>
    inDirectory(async (directory) => {
      const environment = { ...SOURCES, ...TIMEFRAMES };
      const { from, to } = await record(directory, {
        ...environment,
        PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1s,5s',
      });
      const before = await content(directory, environment);
      const half = from.replace('.000Z', '.500Z');
      const cut = await replace(directory, half, to, environment);
      expect(cut.code).toBe(2);
      expect(cut.stderr).toContain('a bar of 1s');
      const gone = await replace(directory, '2020-01-01', '2100-01-01', environment);
      expect(gone.code).toBe(1);
      expect(gone.stderr).toContain('bars of 5s are stored');
      const run = await startMdp(directory, { ...environment, PIPELINE_JOURNAL_ENABLED: 'false' });
      expect((await replace(directory, from, to, environment)).code).toBe(1);
      expect(await run.stop()).toBe(0);
      const after = await content(directory, environment);
      expect(after.trades.slice(0, before.trades.length)).toEqual(before.trades);
    }),
  60_000,
);

test('in PostgreSQL too: refused while a pipeline writes, done when it has stopped', async () => {
  const database = await createTestDatabase();
  try {
    await inDirectory(async (directory) => {
      const environment = { ...SOURCES, ...TIMEFRAMES, DATABASE_URL: database.url };
      const { from, to } = await record(directory, environment);
      const before = await content(directory, environment);
      const run = await startMdp(directory, {
        ...environment,
        PIPELINE_JOURNAL_ENABLED: 'false',
        PIPELINE_SOURCES: '[{"type":"synthetic","rate":1,"symbols":["OTHER"]}]',
      });
      await until(
        async () => (await run.health()).entries.find(({ kind }) => kind === 'sink')?.status,
        (status) => status === 'healthy',
      );
      const refused = await replace(directory, from, to, environment);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('a running pipeline writes to schema mdp');
      expect(await run.stop()).toBe(0);
      expect((await replace(directory, from, to, environment)).code).toBe(0);
      expect(await content(directory, environment)).toEqual(before);
    });
  } finally {
    await database.drop();
  }
}, 60_000);
