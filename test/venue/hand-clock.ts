import type { Clock, Timer } from '../../src/runtime/clock.ts';

type Due = { at: number; readonly everyUs: number | undefined; readonly call: () => void };

/**
 * A clock that stands still until a test moves it. Timers fire in the order they are due, on time
 * to the microsecond.
 */
export class HandClock implements Clock {
  #now: number;
  readonly #due = new Set<Due>();

  constructor(startMicros: number) {
    this.#now = startMicros;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that are still to fire. */
  get pending(): number {
    return this.#due.size;
  }

  after(ms: number, call: () => void): Timer {
    return this.#add({ at: this.#now + Math.round(ms * 1000), everyUs: undefined, call });
  }

  every(ms: number, call: () => void): Timer {
    const everyUs = Math.round(ms * 1000);
    return this.#add({ at: this.#now + everyUs, everyUs, call });
  }

  /** Moves on by `ms` and fires what falls due meanwhile. */
  advance(ms: number): void {
    const end = this.#now + Math.round(ms * 1000);
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      if (next.everyUs === undefined) this.#due.delete(next);
      else next.at += next.everyUs;
      next.call();
    }
    this.#now = end;
  }

  /** Moves on by `ms` as a stalled process does: what fell due fires once, late. */
  stall(ms: number): void {
    this.#now += Math.round(ms * 1000);
    for (const due of this.#due) {
      if (due.at > this.#now) continue;
      if (due.everyUs === undefined) this.#due.delete(due);
      else due.at = this.#now + due.everyUs;
      due.call();
    }
  }

  #next(end: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due) {
      if (due.at <= end && (first === undefined || due.at < first.at)) first = due;
    }
    return first;
  }

  #add(due: Due): Timer {
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }
}
