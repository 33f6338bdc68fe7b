import type { Database } from './database.ts';

/** How much of everything a benchmark does. */
export type Plan = {
  readonly quick: boolean;
  /** Paired repetitions; one more before them warms up and is not counted. */
  readonly rounds: number;
  /** Frames of one play that ends in the database, and of one that does not. */
  readonly stored: number;
  readonly read: number;
  readonly latencySeconds: number;
  /** Rows in the trade table before a play, for growth. */
  readonly tableRows: readonly number[];
};

export type Bench = {
  readonly plan: Plan;
  readonly database: Database;
  /** A line for whoever waits. */
  readonly say: (line: string) => void;
};

export const symbolCount = 20;

export const quickPlan: Plan = {
  quick: true,
  rounds: 3,
  stored: 300_000,
  read: 400_000,
  latencySeconds: 10,
  tableRows: [],
};

export const fullPlan: Plan = {
  quick: false,
  rounds: 10,
  stored: 1_000_000,
  read: 1_500_000,
  latencySeconds: 60,
  tableRows: [1_000_000, 10_000_000, 50_000_000],
};

/** Calls `round` once to warm up and then as often as the plan says; gives what those returned. */
export const repeat = async <T>(
  { plan, say }: Bench,
  what: string,
  round: () => Promise<T>,
): Promise<readonly T[]> => {
  const results: T[] = [];
  await round();
  for (let at = 1; at <= plan.rounds; at += 1) {
    say(`${what}: ${at} of ${plan.rounds}`);
    results.push(await round());
  }
  return results;
};
