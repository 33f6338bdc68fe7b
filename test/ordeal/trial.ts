/**
 * One ordeal from beginning to end: lives and kills over one tape, then the tables and the ledger
 * held against what must be true, and against one uninterrupted run over the same journal.
 */
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startMdp, until, type Environment, type Running, type Status } from '../e2e/mdp.ts';
import type { Fresh, Setting } from './databases.ts';
import { sourceOf, survive } from './lives.ts';
import { countOf, judgeStored, type Row, type Stored, type Timeframe } from './stored.ts';
import { startTape } from './tape.ts';

export type Trial = {
  readonly frames: number;
  readonly kills: number;
  readonly seed: number;
  /** Frames a second; default: as fast as they are read. */
  readonly rate?: number;
  readonly environment?: Environment;
  readonly timeframes?: readonly string[];
};

export type Verdict = {
  readonly complaints: readonly string[];
  readonly trades: number;
  readonly bars: number;
  readonly holes: number;
};

const SECONDS: Readonly<Record<string, number>> = { '1s': 1, '1m': 60, '1d': 86_400 };
const OUTAGE_MS = 1500;
const MiB = 1024 ** 2;

export const killed = async (trial: Trial, setting: Setting): Promise<Verdict> => {
  const { frames, kills, seed, timeframes = ['1s', '1m', '1d'] } = trial;
  const { directory } = setting;
  const tape = startTape({ frames, rate: trial.rate });
  const database = await setting.database('killed');
  const environment = {
    PIPELINE_JOURNAL_DIR: './journal',
    PIPELINE_OPERATORS_BARS_TIMEFRAMES: timeframes.join(','),
    ...database.environment,
    ...sourceOf(tape),
    ...trial.environment,
  };
  const outage = setting.outage;
  const strikes = [Math.floor(kills / 3), Math.floor((2 * kills) / 3)];
  const outages = new Map(
    outage === undefined ? [] : strikes.map((life) => [life, () => outage(OUTAGE_MS)]),
  );
  try {
    const survived = await survive({
      tape,
      frames,
      kills,
      seed,
      directory,
      environment,
      outages,
    });
    await tape.played;
    const status = await settled(survived.run);
    const code = await survived.run.stop();
    const complaints = [
      ...(code === 0 ? [] : [`the last life ended with ${code}`]),
      ...(await judgeStored(database.stored, { kills, counted: survived.counted })),
      ...(await judgeLedger(status, database.stored, survived.received)),
      ...(await judgeBars(database.stored, timeframes)),
      ...(await judgeAgain(environment, database, setting)),
    ];
    return {
      complaints,
      trades: await countOf(database.stored, 'trades'),
      bars: await countOf(database.stored, 'bars'),
      holes: await countOf(database.stored, 'gaps where missing > 0'),
    };
  } finally {
    await tape.stop();
  }
};

/** Resolves when everything received is committed. */
const settled = (run: Running): Promise<Status> =>
  until(
    () => run.status(),
    ({ ready, ledger: { frames, rows } }) =>
      ready && frames['unread'] === 0 && Object.values(rows).every((row) => row['in_flight'] === 0),
    120_000,
  );

const judgeLedger = async (
  { ledger }: Status,
  stored: Stored,
  received: number,
): Promise<readonly string[]> => {
  const { committed = 0, already_there: already = 0 } = snake(ledger.rows['trade'] ?? {});
  const there = await countOf(stored, 'trades');
  return [
    ...(ledger.balanced ? [] : [`the ledger does not balance: ${JSON.stringify(ledger)}`]),
    ...(committed <= there && there <= committed + already
      ? []
      : [`${there} trades are there, ${committed} committed, ${already} already there`]),
    ...((ledger.frames['received'] ?? 0) >= received
      ? []
      : [`${ledger.frames['received']} frames received, ${received} were counted before a kill`]),
  ];
};

const snake = (row: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );

const judgeBars = async (
  stored: Stored,
  timeframes: readonly string[],
): Promise<readonly string[]> => {
  const { wrong, of } = await stored.wrongBars(timeframes.map(timeframeOf));
  return wrong === 0 && of > 0 ? [] : [`${wrong} of ${of} bars differ from their trades`];
};

const timeframeOf = (name: string): Timeframe => ({ name, seconds: SECONDS[name] ?? 0 });

/** The same records read by one run that nobody kills give the same rows. */
const judgeAgain = async (
  environment: Environment,
  { stored }: Fresh,
  setting: Setting,
): Promise<readonly string[]> => {
  const { directory } = setting;
  const dropped = await countOf(stored, "gaps where reason = 'dropped'");
  const isWhole = Number(environment['PIPELINE_JOURNAL_MAX_BYTES'] ?? MiB ** 2) > 16 * MiB;
  if (dropped > 0 || !isWhole) return [];
  for (const file of readdirSync(join(directory, 'journal'))) {
    if (!file.includes('.mdpj')) continue;
    cpSync(join(directory, 'journal', file), join(directory, 'again', file));
  }
  const again = await setting.database('again');
  const tape = startTape({ frames: 0 });
  try {
    const changed = { PIPELINE_JOURNAL_DIR: './again', ...sourceOf(tape) };
    const run = await startMdp(directory, { ...environment, ...again.environment, ...changed });
    await settled(run);
    await run.stop();
  } finally {
    await tape.stop();
  }
  const [one, other] = [await linesOf(stored), await linesOf(again.stored)];
  const differ = [...one.symmetricDifference(other)];
  return differ.length === 0
    ? []
    : [`${differ.length} rows differ from an unkilled run: ${differ.slice(0, 4).join('\n')}`];
};

/** Whether the last bars are final depends on when a run ends. */
const linesOf = async (stored: Stored): Promise<ReadonlySet<string>> => {
  const lines = await Promise.all([
    stored.rows('select * from trades'),
    stored.rows(
      `select symbol, timeframe, ts, open, high, low, close, volume, quote_volume, buy_volume,
         vwap, trade_count, first_trade_id, last_trade_id, late_count from bars`,
    ),
    stored.rows('select symbol, from_id, to_id, missing, reason from gaps where missing > 0'),
  ]);
  return new Set(lines.flatMap((rows: readonly Row[]) => rows.map((row) => JSON.stringify(row))));
};
