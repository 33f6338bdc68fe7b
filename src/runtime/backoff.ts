/**
 * Waiting before a retry: exponential with a cap and full jitter, so that many who lost the same
 * server do not come back in the same moment.
 */
export type BackoffPolicy = {
  /** Never less than this, in ms. */
  readonly floorMs: number;
  /** Most before the first retry, in ms; doubles with every further attempt. */
  readonly baseMs: number;
  /** Never more than this, in ms. */
  readonly capMs: number;
};

/**
 * The wait before retry `attempt` (from 0), in whole ms: uniform between the floor and `base *
 * 2^attempt`, at most the cap. `random` gives a number in [0, 1).
 */
export const backoffMs = (policy: BackoffPolicy, attempt: number, random: () => number): number => {
  const most = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt, MAX_DOUBLINGS));
  return Math.round(policy.floorMs + random() * Math.max(0, most - policy.floorMs));
};

/** Past this every cap is reached; it keeps 2^attempt finite. */
const MAX_DOUBLINGS = 40;
