/** A token bucket on frames admitted to the operators. What waits, waits in front of it. */
export interface Pacing {
  /** Takes one token if there is one. */
  tryTake(): boolean;
  /** Milliseconds until the next token. */
  waitMs(): number;
}

/**
 * `perSecond` tokens a second, at most `burst` saved up. 0 = unlimited.
 * @param now microseconds
 */
export const createPacing = (perSecond: number, burst: number, now: () => number): Pacing => {
  if (perSecond === 0) return { tryTake: () => true, waitMs: () => 0 };
  const most = Math.max(1, burst);
  let tokens = most;
  let at = now();
  const refill = (): void => {
    const time = now();
    tokens = Math.min(most, tokens + ((time - at) / 1e6) * perSecond);
    at = time;
  };
  return {
    tryTake: () => {
      if (tokens < 1) refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    waitMs: () => Math.max(1, Math.ceil(((1 - tokens) / perSecond) * 1000)),
  };
};
