import type { Committed, RejectedRow } from '../sink.ts';
import { faultOf, reasonOf, sqlstateOf } from './failure.ts';

/** Rows of which a run has the same form. */
type Sliced<Rows> = {
  readonly length: number;
  slice(from: number, to: number): Rows;
};

/**
 * Writes rows all at once, and where a row among them is at fault in ever smaller runs until that
 * row is alone: it comes back dead, the others are committed. `write` returns how many rows were
 * new. Every other error is thrown: what was written until then is found already there at the next
 * try.
 */
export async function writeHalving<Rows extends Sliced<Rows>>(
  rows: Rows,
  write: (rows: Rows) => Promise<number>,
): Promise<Committed> {
  const dead: RejectedRow[] = [];
  const runs: [from: number, to: number][] = [[0, rows.length]];
  let committed = 0;
  for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
    const [from, to] = run;
    try {
      committed += await write(rows.slice(from, to));
    } catch (error) {
      const alone = to - from === 1;
      const fault = faultOf(error);
      if (fault === 'row' && alone) dead.push(rejected(from, sqlstateOf(error)));
      else if ((fault === 'row' || fault === 'too_much') && !alone) runs.push(...halves(from, to));
      else throw error;
    }
  }
  return { committed, alreadyThere: rows.length - committed - dead.length, dead };
}

/** The first half last, as the next to be taken. */
function halves(from: number, to: number): [from: number, to: number][] {
  const middle = (from + to) >> 1;
  return [
    [middle, to],
    [from, middle],
  ];
}

function rejected(index: number, sqlstate: string | undefined): RejectedRow {
  return { index, reason: reasonOf(sqlstate ?? ''), sqlstate };
}
