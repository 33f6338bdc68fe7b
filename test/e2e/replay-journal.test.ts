import { expect, test } from 'bun:test';
import { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { inDirectory, mdp, startMdp, until } from './mdp.ts';

const SOURCES = JSON.stringify([
  { type: 'synthetic', rate: 2000, odd: { late: 0.01, duplicate: 0.01, gap: 0.01 } },
]);

/** Everything that the views show, as text. */
const contentOf = (
  directory: string,
  file: string,
): Readonly<Record<string, readonly string[]>> => {
  const db = new Database(join(directory, file), { readonly: true, safeIntegers: true });
  const views = ['trades', 'quotes', 'bars', 'gaps'].map((view) => {
    const rows = db.query(`select * from ${view}`).values();
    return [view, rows.map((row) => row.map(String).join(' ')).toSorted()] as const;
  });
  db.close();
  return Object.fromEntries(views);
};

const replay = (directory: string, file: string, more: readonly string[] = []) =>
  mdp(directory, ['replay', './data/journal', ...more], { DATABASE_URL: `sqlite:./${file}` });

/** Two runs, the first of them killed, over one journal. */
const record = async (directory: string): Promise<void> => {
  const first = await startMdp(directory, { PIPELINE_SOURCES: SOURCES });
  const trades = async (run: typeof first): Promise<number> =>
    (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;
  await until(
    () => trades(first),
    (count) => count > 3000,
  );
  first.signal('SIGKILL');
  await first.exited;
  const second = await startMdp(directory, { PIPELINE_SOURCES: SOURCES });
  await until(
    () => trades(second),
    (count) => count > 6000,
  );
  expect(await second.stop()).toBe(0);
};

test(
  'a journal rebuilds what the runs wrote that recorded it, twice the same',
  () =>
    inDirectory(async (directory) => {
      await record(directory);
      expect((await replay(directory, 'one.db')).code).toBe(0);
      expect((await replay(directory, 'two.db')).code).toBe(0);
      const live = contentOf(directory, 'data/mdp.db');
      const one = contentOf(directory, 'one.db');
      expect(one['trades']?.length).toBeGreaterThan(5000);
      expect(one['trades']).toEqual(live['trades']);
      expect(one['quotes']).toEqual(live['quotes']);
      expect(one['gaps']).toEqual(live['gaps']);
      expect(one['bars']).toEqual(live['bars']);
      expect(contentOf(directory, 'two.db')).toEqual(one);
    }),
  60_000,
);

test(
  '--from and --to store the rows of that time only, --venue names what is not recorded',
  () =>
    inDirectory(async (directory) => {
      await record(directory);
      const all = contentOf(directory, 'data/mdp.db')['trades'] ?? [];
      const times = all.map((row) => row.split(' ')[2] ?? '').toSorted();
      const [from = '', to = ''] = [times[1000], times[2000]];
      expect((await replay(directory, 'part.db', ['--from', from, '--to', to])).code).toBe(0);
      const part = contentOf(directory, 'part.db')['trades'] ?? [];
      expect(part).toEqual(all.filter((row) => between(row.split(' ')[2] ?? '', from, to)));
      const wrong = await replay(directory, 'part.db', ['--venue', 'nowhere']);
      expect(wrong.code).toBe(2);
    }),
  60_000,
);

const between = (time: string, from: string, to: string): boolean => time >= from && time < to;
