/**
 * `dev.sh sim`: lives through simulated runs of the program, each made of its seed, and ends with
 * how often each fault has fired.
 *
 *     ./scripts/dev.sh sim [--seeds N] [--seed S] [--log]
 *
 * Without `--seed` the first seed is drawn; with it alone that one is repeated, `--log` with the
 * program's own log. Fails when a seed does, and when of 200 seeds or more a fault never fired.
 */
import { parseArgs } from 'node:util';
import { createLog } from '../src/runtime/json-log.ts';
import { FAULT_KINDS, FaultCount } from '../test/simulator/faults.ts';
import type { LiveOptions } from '../test/simulator/simulate.ts';
import { toldOf, tryAt } from '../test/simulator/trial.ts';

const SEEDS = 200;
const ENOUGH_FOR_ALL_FAULTS = 200;
const MOST_SEEDS = 10_000_000;
const TELL_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    log: { type: 'boolean', default: false },
  },
});

const numberOf = (text: string, name: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} takes a whole number, not ${text}`);
  process.exit(2);
};

const first =
  values.seed === undefined
    ? Math.floor(Math.random() * MOST_SEEDS)
    : numberOf(values.seed, 'seed');
const only = values.seed === undefined ? SEEDS : 1;
const count = values.seeds === undefined ? only : numberOf(values.seeds, 'seeds');
const options: LiveOptions = values.log
  ? {
      log: (clock) =>
        createLog({
          level: 'debug',
          format: 'text',
          now: () => clock.now(),
          write: (line) => process.stderr.write(line),
        }),
    }
  : {};

const faults = new FaultCount();
let trades = 0;
let failed = 0;
let toldAt = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const trial = await tryAt(seed, faults, options);
  trades += trial.trades;
  if (trial.complaints.length > 0) {
    failed += 1;
    console.log(toldOf(trial));
  }
  if (performance.now() - toldAt < TELL_EVERY_MS) continue;
  toldAt = performance.now();
  console.log(`${seed - first + 1} of ${count} seeds, ${failed} failed`);
}

for (const kind of FAULT_KINDS) console.log(`${kind.padEnd(26)}${faults.of(kind)}`);
const missing = count >= ENOUGH_FOR_ALL_FAULTS ? faults.missing() : [];
if (missing.length > 0) console.log(`never fired: ${missing.join(', ')}`);
console.log(`${count} seeds from ${first}, ${trades} trades stored, ${failed} failed`);
process.exitCode = failed > 0 || missing.length > 0 ? 1 : 0;
