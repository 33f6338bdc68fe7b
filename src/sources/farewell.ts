import type { Timing } from './timing.ts';

/** What the last ping carries, so that its answer is not taken for that of an earlier one. */
export const LAST_PING = 'last';

/**
 * How a connection leaves that another one has replaced. What the venue had sent on it may still
 * lie unread in the socket; the answer to a last ping stands behind all of that. Time is counted in
 * ticks in which the connection is read: how long a pause takes does not matter.
 */
export class Farewell {
  readonly reason: string;
  readonly #timing: Timing;
  #readMs = 0;
  #lingeredMs = 0;
  #isAnswered = false;

  constructor(reason: string, timing: Timing) {
    this.reason = reason;
    this.#timing = timing;
  }

  /** The last ping was. */
  answered(): void {
    this.#isAnswered = true;
  }

  /** A tick in which the connection was read; true when it is time to go. */
  tick(): boolean {
    const { tickMs, lingerMs, drainMs } = this.#timing;
    this.#readMs += tickMs;
    if (this.#isAnswered) this.#lingeredMs += tickMs;
    return this.#lingeredMs > lingerMs || this.#readMs >= drainMs;
  }
}
