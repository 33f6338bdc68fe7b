import * as v from 'valibot';
import { timeframeNames, timeframeSeconds } from '../market/timeframes.ts';

const milliseconds = (most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));

/**
 * `operators.*`: which bars are built, for how long they may change, and which trades are not
 * believed.
 */
export const operatorsSettings = v.strictObject({
  bars: v.strictObject({
    timeframes: v.optional(
      v.pipe(
        v.array(v.picklist(timeframeNames)),
        v.minLength(1),
        v.check((names) => new Set(names).size === names.length, 'each timeframe once'),
        v.description('lengths of the bars'),
      ),
      ['1s', '1m'],
    ),
    allowed_lateness_ms: v.optional(
      v.pipe(
        milliseconds(3_600_000),
        v.description('how far behind the newest trade a trade may come and still be in its bar'),
        v.metadata({ unit: 'ms' }),
      ),
      2_000,
    ),
    empty: v.optional(
      v.pipe(
        v.picklist(['none', 'flat']),
        v.description('what an interval without trades gives: no bar, or one at the last close'),
      ),
      'none',
    ),
  }),
  validate: v.strictObject({
    max_age_ms: v.optional(
      v.pipe(
        milliseconds(604_800_000),
        v.description('older trades are stored, but are in no bar; 0 = no limit'),
        v.metadata({ unit: 'ms' }),
      ),
      600_000,
    ),
    max_ahead_ms: v.optional(
      v.pipe(
        milliseconds(86_400_000),
        v.description('trades and quotes that claim a later time are refused; 0 = no limit'),
        v.metadata({ unit: 'ms' }),
      ),
      60_000,
    ),
  }),
});

/** Seconds of timeframe names, ascending and unique. */
export function timeframesOf(names: readonly string[]): number[] {
  const lengths = names.flatMap((name) => timeframeSeconds(name) ?? []);
  return [...new Set(lengths)].toSorted((a, b) => a - b);
}
