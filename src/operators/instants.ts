/** Before every time there is: nothing was seen yet. */
export const NEVER = -1;

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;

/**
 * The greatest multiple of `length` that is not after `time`, which is 0 or later. Exact: a
 * quotient would round.
 */
export function floorTo(time: number, length: number): number {
  return time - (time % length);
}
