/** The one table of a benchmark, its JSON, and whether floors were met. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { floors, type Floor } from '../floors.ts';
import { spreadOf, type Figure, type Unit } from './figures.ts';

const resultsDirectory = join(import.meta.dir, '../results');

/** Prints the table and returns how many floors were missed. */
export const printTable = (figures: readonly Figure[], quick: boolean): number => {
  const judged = figures.map((figure) => ({ figure, verdict: judge(figure, quick) }));
  const heads = ['median', 'min', 'max', 'best', 'floor', 'aim', ''];
  const lines = judged.map(({ figure, verdict }) => lineOf(figure, verdict));
  process.stdout.write(`${[row('', heads), ...lines].join('\n')}\n`);
  return judged.filter(({ verdict }) => verdict.met === false).length;
};

type Verdict = {
  readonly floor: number | undefined;
  readonly aim: number | undefined;
  /** undefined where there is no floor. */
  readonly met: boolean | undefined;
};

/** In a quick run the best counts, since its rounds are few; in a full one the median. */
export const judge = ({ id, samples, best }: Figure, quick: boolean): Verdict => {
  const bounds: Floor | undefined = floors[id];
  const floor = quick ? bounds?.quick : bounds?.full;
  const aim = bounds?.aim;
  if (bounds === undefined || floor === undefined) return { floor, aim, met: undefined };
  const { median } = spreadOf(samples);
  const value = quick ? (best ?? median) : median;
  return { floor, aim, met: bounds.better === 'less' ? value <= floor : value >= floor };
};

const lineOf = ({ title, unit, samples, best }: Figure, { floor, aim, met }: Verdict): string => {
  const show = (value: number | undefined): string =>
    value === undefined ? '' : format(value, unit);
  const { median, min, max } = spreadOf(samples);
  const spread = samples.length > 1 ? [show(min), show(max)] : ['', ''];
  const word = met === undefined ? '' : wordOf(met);
  return row(`${title}, ${unit}`, [
    show(median),
    ...spread,
    show(best),
    show(floor),
    show(aim),
    word,
  ]);
};

const wordOf = (met: boolean): string => (met ? 'pass' : 'FAIL');

/** `bench/results/<time>.json`; returns its path. */
export const writeResults = (figures: readonly Figure[], quick: boolean): string => {
  mkdirSync(resultsDirectory, { recursive: true });
  const at = new Date().toISOString();
  const path = join(resultsDirectory, `${at.replaceAll(':', '-')}.json`);
  const rows = figures.map((figure) => ({ ...figure, ...spreadOf(figure.samples) }));
  const result = { at, quick, commit: commit(), machine: machine(), figures: rows };
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`);
  return path;
};

const format = (value: number, unit: Unit): string => {
  if (unit === '/s') return `${(value / 1000).toFixed(0)} k`;
  if (unit === 'MiB') return value.toFixed(0);
  return value.toFixed(unit === 'ms' ? 1 : 2);
};

const row = (title: string, cells: readonly string[]): string =>
  title.padEnd(48) + cells.map((cell) => cell.padStart(8)).join('');

/** What the figures are of: absolutes mean nothing without it. */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  bun: Bun.version,
  load: loadavg()[0],
});

const commit = (): string => {
  const { success, stdout } = Bun.spawnSync(['git', 'describe', '--always', '--dirty']);
  return success ? stdout.toString().trim() : 'unknown';
};
