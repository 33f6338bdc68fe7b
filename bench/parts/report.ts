/** The one table of a benchmark, its JSON, and whether floors were met. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { floors, type Floor } from '../floors.ts';
import { spreadOf, type Figure, type Unit } from './figures.ts';

const resultsDirectory = join(import.meta.dir, '../results');

/** Prints the table and returns how many floors were missed. */
export const printTable = (figures: readonly Figure[], quick: boolean): number => {
  const lines = [row('', ['median', 'min', 'max', 'floor', 'aim', ''])];
  let missed = 0;
  for (const { id, title, unit, samples } of figures) {
    const { median, min, max } = spreadOf(samples);
    const floor = floors[id];
    const bound = floor === undefined ? undefined : boundOf(floor, quick);
    const met = bound === undefined || isMet(floor, bound, median);
    if (!met) missed += 1;
    const show = (value: number | undefined): string =>
      value === undefined ? '' : format(value, unit);
    const verdict = bound === undefined ? '' : verdictOf(met);
    const spread = samples.length > 1 ? [show(min), show(max)] : ['', ''];
    lines.push(
      row(`${title}, ${unit}`, [show(median), ...spread, show(bound), show(floor?.aim), verdict]),
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return missed;
};

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

const verdictOf = (met: boolean): string => (met ? 'pass' : 'FAIL');

const boundOf = (floor: Floor, quick: boolean): number | undefined =>
  quick ? floor.quick : floor.full;

const isMet = (floor: Floor | undefined, bound: number, value: number): boolean =>
  floor?.better === 'less' ? value <= bound : value >= bound;

const format = (value: number, unit: Unit): string => {
  if (unit === '/s') return `${(value / 1000).toFixed(0)} k`;
  if (unit === 'MiB') return value.toFixed(0);
  return value.toFixed(unit === 'ms' ? 1 : 2);
};

const row = (title: string, cells: readonly string[]): string =>
  title.padEnd(58) + cells.map((cell) => cell.padStart(8)).join('');

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
