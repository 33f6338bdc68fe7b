/** What the journal carries from one run to the next, and what it does where it cannot write. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { withPostgres, withSqlite, type Setting } from '../ordeal/databases.ts';
import { sourceOf } from '../ordeal/lives.ts';
import { countOf, islandsOf, type Row, type Stored } from '../ordeal/stored.ts';
import { idOf, startTape, SYMBOLS, type Tape } from '../ordeal/tape.ts';
import { SmallDisk } from '../postgres/small-disk.ts';
import { startMdp, until, type Environment, type Running, type Status } from './mdp.ts';

setDefaultTimeout(60_000);

const FRAMES = 5000;

const committed = ({ ledger }: Status): number => ledger.rows['trade']?.['committed'] ?? 0;

const settled = (run: Running): Promise<Status> =>
  until(
    () => run.status(),
    ({ ready, ledger: { frames, rows } }) =>
      ready &&
      frames['unread'] === 0 &&
      (rows['trade']?.['decoded'] ?? 0) > 0 &&
      Object.values(rows).every((row) => row['in_flight'] === 0),
  );

const expectAllOnce = async (stored: Stored, frames: number): Promise<void> => {
  expect(await countOf(stored, 'trades')).toBe(frames);
  const whole = SYMBOLS.map((symbol) => ({ symbol, first: 1, last: idOf(frames - 1) }));
  expect(await islandsOf(stored)).toEqual(whole);
};

/** A run that has most of the tape in its journal only, killed. */
const killedBehind = async (setting: Setting, tape: Tape, env: Environment): Promise<void> => {
  const slow = { PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '1000' };
  const run = await startMdp(setting.directory, { ...env, ...slow });
  await tape.played;
  await until(
    () => run.status(),
    ({ ledger }) => (ledger.frames['received'] ?? 0) > FRAMES,
  );
  await Bun.sleep(100);
  run.signal('SIGKILL');
  await run.exited;
};

/** A source that brings nothing, asked for these symbols. */
const withSourceOf = async (
  symbols: readonly string[],
  use: (changed: Environment) => Promise<void>,
): Promise<void> => {
  const silent = startTape({ frames: 0 });
  try {
    const source = { type: 'binance', symbols, channels: ['trades'], url: silent.url };
    await use({ PIPELINE_SOURCES: JSON.stringify([source]) });
  } finally {
    await silent.stop();
  }
};

const marked = (hole: number): string => (hole === 0 ? 'complete' : 'marked');

/**
 * Runs over a journal with a backlog, under a configuration that has changed; gives its database.
 */
const goneOn = (
  changed: Environment,
  judge: (stored: Stored, status: Status, setting: Setting) => unknown,
  before: Environment = {},
): Promise<void> =>
  withSqlite(async (setting) => {
    const tape = startTape({ frames: FRAMES });
    const { environment, stored } = await setting.database('one');
    const env = { ...environment, ...sourceOf(tape), PIPELINE_JOURNAL_DIR: './journal' };
    await killedBehind(setting, tape, { ...env, ...before });
    const run = await startMdp(setting.directory, { ...env, ...changed });
    const status = await settled(run);
    expect(status.ledger.balanced).toBe(true);
    expect(await run.stop()).toBe(0);
    await judge(stored, status, setting);
    await tape.stop();
  });

/**
 * 800 trades a second of a minute ago, whenever they are sent: the trades around the restart are of
 * one bar of five seconds.
 */
const aMinuteAgo = (): ((frame: number) => number) => {
  const begin = Math.floor((Date.now() - 60_000) / 5000) * 5000;
  return (frame) => begin + Math.floor(frame / 0.8);
};

for (const hole of [0, 50]) {
  test(`bars stay open over a clean restart, ${hole} frames missed: ${marked(hole)}`, () =>
    withSqlite(async (setting) => {
      const { environment, stored } = await setting.database('one');
      const env = {
        ...environment,
        PIPELINE_JOURNAL_DIR: './journal',
        PIPELINE_OPERATORS_BARS_TIMEFRAMES: '5s',
        PIPELINE_OPERATORS_BARS_ALLOWED_LATENESS_MS: '30000',
      };
      const timeOf = aMinuteAgo();
      const first = startTape({ frames: FRAMES, timeOf });
      const run = await startMdp(setting.directory, { ...env, ...sourceOf(first) });
      await first.played;
      await settled(run);
      expect(await run.stop()).toBe(0);
      await first.stop();
      const second = startTape({ frames: 2 * FRAMES, from: FRAMES + hole, timeOf });
      const again = await startMdp(setting.directory, { ...env, ...sourceOf(second) });
      await second.played;
      const { ledger } = await settled(again);
      expect(ledger.rows['trade']).toMatchObject({ alreadyThere: 0, decoded: 2 * FRAMES - hole });
      expect(ledger.balanced).toBe(true);
      expect(await again.stop()).toBe(0);
      await second.stop();
      const across = await stored.rows(
        `select b.symbol, b.gap, b.complete from bars b where first_trade_id <= ${FRAMES / 5}
           and last_trade_id > ${FRAMES / 5} and trade_count > 1`,
      );
      expect(across.length).toBe(SYMBOLS.length);
      for (const bar of across) {
        expect([Number(bar['gap']), Number(bar['complete'])]).toEqual(hole === 0 ? [0, 1] : [1, 0]);
      }
      const gaps = await stored.rows('select reason, missing from gaps');
      const row = { reason: 'down', missing: hole / SYMBOLS.length };
      expect(gaps).toEqual(hole === 0 ? [] : SYMBOLS.map(() => row));
    }));
}

test('ends with 3 while the database is away, and the next run goes on', () =>
  withPostgres(async (setting) => {
    const tape = startTape({ frames: FRAMES });
    const { environment, stored } = await setting.database('one');
    const env = {
      ...environment,
      ...sourceOf(tape),
      PIPELINE_JOURNAL_DIR: './journal',
      PIPELINE_DRAIN_MS: '500',
    };
    const run = await startMdp(setting.directory, env);
    await until(
      () => run.status(),
      (status) => committed(status) > 0,
    );
    const away = setting.outage?.(4000);
    await tape.played;
    await Bun.sleep(300);
    const begun = performance.now();
    run.signal('SIGTERM');
    expect(await run.exited).toBe(3);
    expect(performance.now() - begun).toBeLessThan(3500);
    expect(run.log()).toContain('the next run goes on with it');
    await away;
    const again = await startMdp(setting.directory, env);
    expect((await settled(again)).ledger.balanced).toBe(true);
    expect(await again.stop()).toBe(0);
    await tape.stop();
    expect(await countOf(stored, 'trades')).toBeGreaterThan(0);
    expect((await islandsOf(stored)).length).toBe(SYMBOLS.length);
  }));

test('is not ready while it recovers, and says when it has', () =>
  withSqlite(async (setting) => {
    const tape = startTape({ frames: FRAMES });
    const { environment, stored } = await setting.database('one');
    const env = { ...environment, ...sourceOf(tape), PIPELINE_JOURNAL_DIR: './journal' };
    await killedBehind(setting, tape, env);
    const paced = { ...env, PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '1500' };
    const run = await startMdp(setting.directory, paced);
    await Bun.sleep(500);
    expect((await run.get('/health/ready')).status).toBe(503);
    await settled(run);
    expect((await run.get('/health/ready')).status).toBe(200);
    expect(run.log()).toContain('Recovered: everything the journal held is read');
    expect(await run.stop()).toBe(0);
    await expectAllOnce(stored, FRAMES);
    await tape.stop();
  }));

test('a source that was removed: what it had received is stored', () =>
  goneOn(
    { PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', symbols: ['SYN'], rate: 1 }]) },
    async (stored) => {
      const of = (await islandsOf(stored)).filter(({ symbol }) => symbol !== 'SYN');
      expect(of.map(({ last }) => last)).toEqual(SYMBOLS.map(() => FRAMES / 5));
    },
  ));

test('other timeframes: bars of the kept one are right, new ones are not called whole', () =>
  goneOn(
    { PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1s,1d' },
    async (stored) => {
      await expectAllOnce(stored, FRAMES);
      const trades = await stored.rows('select symbol, ts from trades');
      const kept = await stored.rows("select * from bars where timeframe = '1s'");
      const second = (row: Row): string =>
        `${String(row['symbol'])} ${String(row['ts']).slice(0, 19)}`;
      const counts = Map.groupBy(trades, second);
      const told = kept.map((bar) => [second(bar), bar['trade_count']] as const);
      expect(new Map(told)).toEqual(new Map([...counts].map(([at, { length }]) => [at, length])));
      const news = await stored.rows("select * from bars where timeframe = '1d'");
      expect(news.map((bar) => bar['complete'])).toEqual(SYMBOLS.map(() => 0));
    },
    { PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1s,1m' },
  ));

test('fewer symbols: what was received of the others is stored', () =>
  withSourceOf(SYMBOLS.slice(0, 2), (changed) =>
    goneOn(changed, (stored) => expectAllOnce(stored, FRAMES)),
  ));

test('one of two shards now: what was received of the other one is stored here', () =>
  goneOn({ PIPELINE_SHARD_COUNT: '2', PIPELINE_SHARD_INDEX: '1' }, (stored) =>
    expectAllOnce(stored, FRAMES),
  ));

test('another database gets what was not settled in the first, and none of it is lost', () =>
  goneOn({ DATABASE_URL: 'sqlite:./two.db' }, async (stored, _status, setting) => {
    const two = (await setting.database('two')).stored;
    const ids = new Set<string>();
    for (const one of [stored, two]) {
      for (const row of await one.rows('select symbol, trade_id from trades')) {
        ids.add(`${String(row['symbol'])} ${String(row['trade_id'])}`);
      }
    }
    expect(ids.size).toBe(FRAMES);
  }));

test('the journal switched off: what waits in it waits for the next run with it', () =>
  withSqlite(async (setting) => {
    const tape = startTape({ frames: FRAMES });
    const { environment, stored } = await setting.database('one');
    const env = { ...environment, ...sourceOf(tape), PIPELINE_JOURNAL_DIR: './journal' };
    await killedBehind(setting, tape, env);
    const off = await startMdp(setting.directory, { ...env, PIPELINE_JOURNAL_ENABLED: 'false' });
    await until(
      () => off.status(),
      ({ ready }) => ready,
    );
    expect(await off.stop()).toBe(0);
    expect(await countOf(stored, 'trades')).toBeLessThan(FRAMES);
    const on = await startMdp(setting.directory, env);
    await settled(on);
    expect(await on.stop()).toBe(0);
    await expectAllOnce(stored, FRAMES);
    await tape.stop();
  }));

const journalHealth = async (run: Running): Promise<string | undefined> =>
  (await run.health()).entries.find(({ kind }) => kind === 'journal')?.status;

test('less space than min_free_bytes: nothing is dropped, and health tells it', () =>
  withSqlite(async (setting) => {
    const tape = startTape({ frames: 60_000 });
    const { environment, stored } = await setting.database('one');
    const run = await startMdp(setting.directory, {
      ...environment,
      ...sourceOf(tape),
      PIPELINE_JOURNAL_MIN_FREE_BYTES: String(64 * 1024 ** 4),
    });
    await tape.played;
    const { ledger } = await settled(run);
    expect([ledger.balanced, ledger.frames['dropped']]).toEqual([true, 0]);
    expect(await journalHealth(run)).toBe('degraded');
    expect(await run.stop()).toBe(0);
    await expectAllOnce(stored, 60_000);
    await tape.stop();
  }));

test('a file system that fills up and grows again: memory takes over aloud', () =>
  withSqlite(async (setting) => {
    const disk = SmallDisk.mount('1m');
    const tape = startTape({ frames: 60_000, rate: 10_000 });
    try {
      const { environment, stored } = await setting.database('one');
      const run = await startMdp(setting.directory, {
        ...environment,
        ...sourceOf(tape),
        PIPELINE_JOURNAL_DIR: disk.path,
        PIPELINE_JOURNAL_MIN_FREE_BYTES: '0',
      });
      await until(
        () => journalHealth(run),
        (status) => status === 'degraded',
      );
      disk.resize('200m');
      await until(
        () => journalHealth(run),
        (status) => status === 'healthy',
      );
      await tape.played;
      const { ledger } = await settled(run);
      expect([ledger.balanced, ledger.frames['dropped']]).toEqual([true, 0]);
      expect(await run.stop()).toBe(0);
      await expectAllOnce(stored, 60_000);
    } finally {
      await tape.stop();
      disk.remove();
    }
  }));
