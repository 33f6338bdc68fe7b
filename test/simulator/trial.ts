import type { FaultCount } from './faults.ts';
import { scenarioOf } from './scenario.ts';
import { live, type LiveOptions } from './simulate.ts';
import { judge } from './verdict/verdict.ts';

export type Trial = {
  readonly seed: number;
  readonly complaints: readonly string[];
  readonly faults: FaultCount;
  readonly trades: number;
};

/**
 * Lives through the scenario of a seed and judges it. What the program throws is a complaint too.
 */
export const tryAt = async (
  seed: number,
  faults: FaultCount,
  options: LiveOptions = {},
): Promise<Trial> => {
  const scenario = scenarioOf(seed);
  try {
    const life = await live(scenario, options);
    faults.merge(life.faults);
    const trades = life.database.tables.trade.size;
    return { seed, complaints: judge(life), faults: life.faults, trades };
  } catch (error) {
    // Nothing is hidden by going on: the seed counts as failed, and the command repeats it.
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, complaints: [`the program threw ${words}`], faults, trades: 0 };
  }
};

/** What was wrong, and the line that repeats it; empty when nothing was. */
export const toldOf = ({ seed, complaints }: Trial): string =>
  complaints.length === 0
    ? ''
    : [`seed ${seed}:`, ...complaints, `repeat: ./scripts/dev.sh sim --seed ${seed}`].join('\n  ');
