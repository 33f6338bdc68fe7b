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
    const at = before === undefined ? now : Math.max(now, before + MINUTE_US);
    this.#booked.push(at);
    if (this.#booked.length > this.#perMinute) this.#booked.shift();
    return Math.ceil((at - now) / 1000);
  }
}
