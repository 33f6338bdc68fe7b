import type { Clock } from '../runtime/clock.ts';

const MINUTE_US = 60_000_000;

/**
 * At most so many new connections in any minute. Remembers as many times as it allows connections.
 */
export class ConnectLimit {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #booked: number[] = [];

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = Math.max(1, perMinute);
  }

  /** Books the next permitted moment; returns how many ms away it is. */
  book(): number {
    const now = this.#clock.now();
    const before = this.#booked[this.#booked.length - this.#perMinute];
    // Booked is what the caller will keep: waits are whole milliseconds.
    const waitMs = before === undefined ? 0 : Math.ceil((before + MINUTE_US - now) / 1000);
    const keptMs = Math.max(0, waitMs);
    this.#booked.push(now + keptMs * 1000);
    if (this.#booked.length > this.#perMinute) this.#booked.shift();
    return keptMs;
  }
}
