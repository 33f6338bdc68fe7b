import type { Clock, Timer } from './clock.ts';

/** How often the monotonic reading is anchored anew to the machine's wall clock. */
const ANCHOR_EVERY_MS = 10_000;
/** The longest wait of one `setTimeout`: a longer one would end at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/**
 * The machine's clock with microseconds: wall time at an anchor plus monotonic time since. Steps of
 * the wall clock are followed at the next anchor when they go forward; when they go back, time
 * stands still until the wall has caught up.
 */
export const createSystemClock = (): Clock => {
  let anchorWall = Date.now();
  let anchorMonotonic = performance.now();
  let last = 0;

  const now = (): number => {
    const monotonic = performance.now();
    let wall = anchorWall + (monotonic - anchorMonotonic);
    if (monotonic - anchorMonotonic > ANCHOR_EVERY_MS) {
      const actual = Date.now();
      // Date.now() is cut to whole milliseconds: a difference below 2 ms is no step.
      if (Math.abs(actual - wall) >= 2) wall = actual;
      anchorWall = wall;
      anchorMonotonic = monotonic;
    }
    last = Math.max(last, Math.round(wall * 1000));
    return last;
  };

  return {
    now,
    after,
    every: (ms, call) => timerOf(setInterval(call, ms), clearInterval),
  };
};

/** Calls once after `ms`, however long that is. */
const after = (ms: number, call: () => void): Timer => {
  if (ms <= LONGEST_WAIT_MS) return timerOf(setTimeout(call, ms), clearTimeout);
  let timer = timerOf(
    setTimeout(() => {
      timer = after(ms - LONGEST_WAIT_MS, call);
    }, LONGEST_WAIT_MS),
    clearTimeout,
  );
  return { cancel: () => timer.cancel() };
};

const timerOf = <T>(handle: T, clear: (handle: T) => void): Timer => ({
  cancel: () => clear(handle),
});
