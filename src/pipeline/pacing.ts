/** A token bucket on frames admitted to the operators. What waits, waits in front of it. */
export interface Pacing {
  /** Takes one token if there is one. */
  tryTake(): boolean;
  /** Milliseconds until the next token. */
  waitMs(): number;
}

/**
 * What was earned while frames waited is theirs, up to so much: timers wake late, and a stall is no
 * credit.
 */
const LATE_SECONDS = 0.1;

/**
 * `perSecond` tokens a second. While nothing waits, at most `burst` are saved up, and one at least;
 * while frames wait, what was earned meanwhile is given out however late the timer was, so that the
 * rate is kept without a burst. 0 = unlimited.
 * @param now microseconds
 */
export const createPacing = (perSecond: number, burst: number, now: () => number): Pacing => {
  if (perSecond === 0) return { tryTake: () => true, waitMs: () => 0 };
  const most = Math.max(1, burst);
  const mostLate = Math.max(most, perSecond * LATE_SECONDS);
  let tokens = most;
  let at = now();
  let waiting = false;
  const refill = (): void => {
    const time = now();
    const earned = ((time - at) / 1e6) * perSecond;
    tokens = Math.min(waiting ? mostLate : most, tokens + earned);
    at = time;
  };
  return {
    tryTake: () => {
      if (tokens < 1) refill();
      waiting = tokens < 1;
      if (waiting) return false;
      tokens -= 1;
      return true;
    },
    waitMs: () => Math.max(1, Math.ceil(((1 - tokens) / perSecond) * 1000)),
  };
};
