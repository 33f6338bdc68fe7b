import type { BackoffPolicy } from '../runtime/backoff.ts';

/** The time limits of a WebSocket source that are no settings. All in ms. */
export type Timing = {
  /** A tick record for every open connection this often; also the grain of silence. */
  readonly tickMs: number;
  /** A connection that is silent this long is pinged, and again as often. */
  readonly pingMs: number;
  /** A connection on which nothing at all arrives for this long, although it is pinged, is dead. */
  readonly deadMs: number;
  /** The venue's time to answer a subscribe frame before its symbols count as unconfirmed. */
  readonly confirmMs: number;
  /** From our close frame to cutting the connection. */
  readonly closeMs: number;
  /** Longest pause of reading, and how often a paused connection says that it lives. */
  readonly pauseMs: number;
  readonly pausedPongMs: number;
  /** From a heartbeat that names a trade to that trade. */
  readonly overdueMs: number;
  /** `mute_after_ms` doubles up to this while reconnecting does not help. */
  readonly muteCapMs: number;
  /** A renewed connection without data takes over from the old one after this. */
  readonly overlapMs: number;
  /** The old one is heard for so long after it has answered our last ping. */
  readonly lingerMs: number;
  /** An old one that does not answer is given up after so much reading. */
  readonly drainMs: number;
  /** Before a reconnect, and before one that follows a refusal for too many requests. */
  readonly backoff: BackoffPolicy;
  readonly throttled: BackoffPolicy;
};

export const TIMING: Timing = {
  tickMs: 250,
  pingMs: 1000,
  deadMs: 30_000,
  confirmMs: 10_000,
  closeMs: 2000,
  pauseMs: 20_000,
  pausedPongMs: 5000,
  overdueMs: 5000,
  muteCapMs: 3_600_000,
  overlapMs: 10_000,
  lingerMs: 250,
  drainMs: 10_000,
  backoff: { floorMs: 0, baseMs: 1000, capMs: 30_000 },
  throttled: { floorMs: 15_000, baseMs: 60_000, capMs: 900_000 },
};
