import { faultOf } from './failure.ts';
import type { Partitions, TimedTable } from './partitions.ts';

/** How often a statement is repeated at once before the batch is held. */
const maxRepeats = 5;

/**
 * The table whose partitions a statement needs, and the times of its rows in integer microseconds.
 */
export type Timed = { readonly table: TimedTable; readonly times: () => Iterable<number> };

/**
 * Runs one write and repeats it at once where that is the cure: after a deadlock or a failed
 * serialization, and after making a partition that was dropped since. Throws the last error.
 */
export async function attempt<T>(
  write: () => Promise<T>,
  partitions: Partitions,
  timed: Timed | undefined,
  signal: AbortSignal,
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      if (timed !== undefined) await partitions.ensure(timed.table, timed.times(), signal);
      return await write();
    } catch (error) {
      const fault = faultOf(error);
      const curable = fault === 'conflict' || (fault === 'no_partition' && timed !== undefined);
      if (!curable || repeats === maxRepeats) throw error;
      if (fault === 'no_partition') partitions.forget();
    }
  }
}
