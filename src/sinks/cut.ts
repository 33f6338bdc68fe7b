import { timeframeName } from '../market/timeframes.ts';
import { MdpError } from '../runtime/errors.ts';

/** What is taken out of a database in order to be written anew. */
export type Cut = {
  readonly instruments: readonly { readonly venue: string; readonly symbol: string }[];
  /** Event time in integer microseconds, `to` not included; whole bars of every timeframe. */
  readonly from: number;
  readonly to: number;
  /** Seconds each: the bars that will be written anew. */
  readonly timeframes: readonly number[];
  readonly tables: readonly ('trade' | 'quote' | 'bar' | 'gap')[];
};

/** Why bars of timeframes that would not come back are not removed; undefined = there are none. */
export const unknownTimeframes = (
  stored: readonly number[],
  timeframes: readonly number[],
): MdpError | undefined => {
  const unknown = stored.filter((seconds) => !timeframes.includes(seconds));
  if (unknown.length === 0) return undefined;
  const names = unknown.map((seconds) => timeframeName(seconds) ?? `${seconds}s`).join(', ');
  return new MdpError('input', `bars of ${names} are stored, and would not be written again`, {
    hint: 'add them to operators.bars.timeframes for this replay',
  });
};

/** Another program may still revise what is to be replaced. */
export const writerRuns = (place: string): MdpError =>
  new MdpError(
    'locked',
    `a running pipeline writes to ${place} and could revise what is replaced`,
    {
      hint: 'stop it first, or replay without --replace',
    },
  );
