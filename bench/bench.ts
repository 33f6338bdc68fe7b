/**
 * The benchmark: the executable against what the machine can do, as ratios measured side by side.
 * It promises that every figure is of work that was done (rows are counted in the database), and
 * exits with 1 when a floor is missed. It tunes nothing.
 *
 *     ./scripts/dev.sh bench [NAME…] [--quick] [--rounds N] [--rows N,N,…]
 */
import { parseArgs } from 'node:util';
import { measureBars } from './measures/bars.ts';
import { measureCcxt } from './measures/ccxt.ts';
import { measureCommit } from './measures/commit.ts';
import { measureDefaults } from './measures/defaults.ts';
import { measureGrowth } from './measures/growth.ts';
import { measureLatency } from './measures/latency.ts';
import { measureOptions } from './measures/options.ts';
import { measureProfile } from './measures/profile.ts';
import { measureStages } from './measures/stages.ts';
import { measureStartup } from './measures/startup.ts';
import { Database } from './parts/database.ts';
import type { Figure } from './parts/figures.ts';
import { fullPlan, quickPlan, type Bench, type Plan } from './parts/plan.ts';
import { machine, printTable, writeResults } from './parts/report.ts';

type Measure = {
  readonly name: string;
  readonly about: string;
  /** Part of `--quick` when no name is given. */
  readonly quick: boolean;
  readonly run: (bench: Bench) => Promise<readonly Figure[]>;
};

const measures: readonly Measure[] = [
  { name: 'bars', about: 'b, and the feed’s ceiling', quick: true, run: measureBars },
  { name: 'commit', about: 'a and d, peak memory', quick: true, run: measureCommit },
  { name: 'latency', about: 'receipt → committed at 10,000/s', quick: true, run: measureLatency },
  { name: 'stages', about: 'CPU per trade by stage', quick: true, run: measureStages },
  { name: 'startup', about: 'start → first row', quick: true, run: measureStartup },
  { name: 'options', about: 'c: journal, metrics, tracing', quick: false, run: measureOptions },
  { name: 'defaults', about: 'as shipped ÷ tuned', quick: false, run: measureDefaults },
  { name: 'profile', about: 'the main thread, by function', quick: false, run: measureProfile },
  { name: 'ccxt', about: 'ccxt.pro beside it', quick: false, run: measureCcxt },
  { name: 'growth', about: 'e: symbols, sockets, rows', quick: false, run: measureGrowth },
];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      rows: { type: 'string' },
    },
  });
  const plan = planOf(values);
  const chosen = measures.filter(({ name, quick }) =>
    positionals.length > 0 ? positionals.includes(name) : quick || !plan.quick,
  );
  const unknown = positionals.find((name) => !measures.some((measure) => measure.name === name));
  if (unknown !== undefined) return explain(unknown);
  say(`on ${JSON.stringify(machine())}`);
  const figures = await run(chosen, plan);
  const missed = printTable(figures, plan.quick);
  process.stdout.write(`written to ${writeResults(figures, plan.quick)}\n`);
  if (missed > 0) process.stdout.write(`${missed} floors missed\n`);
  return missed > 0 ? 1 : 0;
}

async function run(chosen: readonly Measure[], plan: Plan): Promise<readonly Figure[]> {
  const database = await Database.start();
  try {
    const figures: Figure[] = [];
    for (const measure of chosen) figures.push(...(await measure.run({ plan, database, say })));
    return figures;
  } finally {
    await database.close();
  }
}

function planOf(values: {
  readonly quick: boolean;
  readonly rounds?: string | undefined;
  readonly rows?: string | undefined;
}): Plan {
  const plan = values.quick ? quickPlan : fullPlan;
  const rounds = values.rounds === undefined ? plan.rounds : Number(values.rounds);
  const tableRows = values.rows?.split(',').map(Number) ?? plan.tableRows;
  return { ...plan, rounds, tableRows };
}

function explain(unknown: string): number {
  const lines = measures.map(({ name, about }) => `  ${name.padEnd(10)}${about}`);
  process.stderr.write(`bench: no measure is called ${unknown}\n${lines.join('\n')}\n`);
  return 2;
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

// What was started ends with this process only when it ends by itself.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.exitCode = await main();
