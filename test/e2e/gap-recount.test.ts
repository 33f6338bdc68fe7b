/** Gap rows whose trades came by another way: a recount fills them. */
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examined, listeningTo } from './examined.ts';
import { binanceAck, startFeed, type Feed } from './feed.ts';
import { inDirectory, mdp, query, startMdp, until, type Environment, type Running } from './mdp.ts';

const START = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;

/** Trade `id`: 20 a second. */
const frameOf = (id: number): string => {
  const at = START + id * 50;
  const trade = { e: 'trade', E: at, s: 'AAA', t: id, p: '1.5', q: '2', T: at, m: true };
  return JSON.stringify({ stream: 'aaa@trade', data: trade });
};

const ids = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const frames = (from: number, to: number): readonly string[] => ids(from, to).map(frameOf);

const gapsOf = async (directory: string) => {
  const gaps = await query(directory, 'gaps', 'AAA');
  return gaps.map((row) => ({
    hole: `${String(row['from_id'])}-${String(row['to_id'])}`,
    missing: row['missing'],
    isFilled: row['filled_at'] !== null,
  }));
};

const record = (directory: string, name: string, texts: readonly string[]): void => {
  const lines = texts.map((data, index) =>
    JSON.stringify({ ts: START / 1000 + 60 + index / 1000, t: 'recv', conn: 'one', data }),
  );
  writeFileSync(join(directory, `ws-${name}.ndjson`), `${lines.join('\n')}\n`);
};

const replay = async (directory: string, name: string): Promise<string> => {
  const args = ['replay', `ws-${name}.ndjson`, '--venue', 'binance'];
  const { code, stderr } = await mdp(directory, args);
  expect(code).toBe(0);
  return stderr;
};

/** How many bars of a second are marked. */
const markedBars = async (directory: string): Promise<number> => {
  const bars = await query(directory, 'bars', 'AAA', {}, ['--timeframe', '1s']);
  return bars.filter((bar) => bar['gap'] === true).length;
};

test('a replay fills the hole of another recording, as far as it has its trades', () =>
  inDirectory(async (directory) => {
    record(directory, 'holed', [...frames(1, 40), ...frames(61, 100)]);
    record(directory, 'part', frames(41, 50));
    record(directory, 'rest', frames(51, 60));
    await replay(directory, 'holed');
    expect(await gapsOf(directory)).toEqual([{ hole: '41-60', missing: 20, isFilled: false }]);
    const marked = await markedBars(directory);
    await replay(directory, 'part');
    expect(await gapsOf(directory)).toEqual([{ hole: '41-60', missing: 10, isFilled: false }]);
    expect(await replay(directory, 'rest')).toContain('Gap rows recounted');
    expect(await gapsOf(directory)).toEqual([{ hole: '41-60', missing: 0, isFilled: true }]);
    expect(await markedBars(directory)).toBeLessThan(marked);
  }));

const started = async (
  directory: string,
  more: Environment,
): Promise<{ readonly feed: Feed; readonly run: Running }> => {
  const feed = startFeed({ frames: [], acknowledge: binanceAck });
  const source = { type: 'binance', symbols: ['AAA'], channels: ['trades'], url: feed.url };
  const run = await startMdp(directory, { ...listeningTo(source), ...more });
  await feed.played;
  return { feed, run };
};

const committed = (run: Running, trades: number): Promise<unknown> =>
  until(
    () => run.status(),
    ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) >= trades,
  );

const holes = (directory: string, isDone: (filled: number) => boolean) =>
  until(
    () => gapsOf(directory),
    (gaps) => isDone(gaps.filter(({ isFilled }) => isFilled).length),
  );

test('after recovery a hole, and that of the absence, is filled by what another wrote', () =>
  inDirectory(async (directory) => {
    const first = await started(directory, {});
    await first.feed.send([...frames(1, 40), ...frames(61, 80)]);
    await committed(first.run, 60);
    await until(
      () => gapsOf(directory),
      (gaps) => gaps.length === 1,
    );
    first.run.signal('SIGKILL');
    await Promise.all([first.run.exited, first.feed.stop()]);

    const other = await started(directory, { PIPELINE_JOURNAL_DIR: './other' });
    await other.feed.send([...frames(41, 60), ...frames(81, 100)]);
    await committed(other.run, 40);
    expect(await other.run.stop()).toBe(0);
    await other.feed.stop();
    const wrote = await gapsOf(directory);
    expect(wrote.map(({ isFilled }) => isFilled)).toContain(false);

    const again = await started(directory, {});
    await holes(directory, (filled) => filled === wrote.length);
    expect(again.run.log()).toContain('Gap rows recounted');
    await again.feed.send(frames(101, 120));
    const all = await holes(directory, (filled) => filled > wrote.length);
    expect(all).toContainEqual({ hole: '81-100', missing: 0, isFilled: true });
    expect(await again.run.stop()).toBe(0);
    await again.feed.stop();
  }));

test('the doctor brings gap rows up to date, and leaves them to whoever writes', () =>
  inDirectory(async (directory) => {
    record(directory, 'holed', [...frames(1, 40), ...frames(42, 60)]);
    await replay(directory, 'holed');
    const quiet = listeningTo({ type: 'synthetic', rate: 1, symbols: ['BBB'] });
    const before = await examined(directory, quiet);
    expect(before.text).toContain('gaps ok: 1 unfilled holes of trade ids, none with trades');

    const run = await startMdp(directory, { ...quiet, PIPELINE_JOURNAL_ENABLED: 'false' });
    expect((await examined(directory, quiet)).text).toContain('gaps ok: 1 unfilled holes');
    await committed(run, 1);
    const db = new Database(join(directory, 'data/mdp.db'));
    db.run(`insert into trade select instrument_id, ts + 50000, 41, price, size, side, receive_ts,
      late, first_id, last_id, trade_ref from trade where trade_id = 40`);
    db.close();
    expect((await examined(directory, quiet)).text).toContain(
      'gaps ok: some hold trades that are stored, and who writes now has yet to tell',
    );
    expect(await run.stop()).toBe(0);

    const found = await examined(directory, quiet);
    expect(found.text).toContain('1 are filled by trades that are stored, 0 more lack less');
    expect(await gapsOf(directory)).toEqual([{ hole: '41-41', missing: 0, isFilled: true }]);
    expect((await examined(directory, quiet)).text).toContain('no hole of trade ids is unfilled');
  }));
