import type { Clock, Timer } from '../../src/runtime/clock.ts';

type Due = {
  at: number;
  /** Among timers of one moment: the order of their making. */
  order: number;
  readonly everyUs: number | undefined;
  readonly call: () => void;
  cancelled: boolean;
};

/**
 * Simulated time: it stands still while anything runs, and jumps to the next timer when nothing
 * does. Timers fire in the order they are due, on time to the microsecond. All of it is a function
 * of what was scheduled, so a run repeats itself.
 */
export class VirtualClock implements Clock {
  #now: number;
  #made = 0;
  /** A binary heap; the earliest timer is the first. Cancelled ones leave when they come up. */
  readonly #heap: Due[] = [];

  constructor(startMicros: number) {
    this.#now = startMicros;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): Timer {
    return this.#schedule(ms, undefined, call);
  }

  every(ms: number, call: () => void): Timer {
    return this.#schedule(ms, Math.max(1, Math.round(ms * 1000)), call);
  }

  /**
   * Lives through `ms`: fires what falls due, moment by moment, and lets what it wakes come to rest
   * in between.
   */
  async advance(ms: number): Promise<void> {
    await this.#live(this.#now + Math.round(ms * 1000), () => false);
  }

  /** Lives until `promise` is settled, for `mostMs` at most. */
  async until(promise: Promise<unknown>, mostMs: number): Promise<void> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.#live(this.#now + Math.round(mostMs * 1000), () => settled);
  }

  /**
   * As a process that was stopped and goes on: time has passed, and what fell due meanwhile is
   * late.
   */
  stall(ms: number): void {
    this.#now += Math.round(ms * 1000);
  }

  async #live(end: number, enough: () => boolean): Promise<void> {
    await atRest();
    while (!enough()) {
      const next = this.#peek();
      if (next === undefined || next.at > end) {
        this.#now = Math.max(this.#now, end);
        return;
      }
      this.#now = Math.max(this.#now, next.at);
      this.#fireDue();
      await atRest();
    }
  }

  #fireDue(): void {
    for (let due = this.#peek(); due !== undefined && due.at <= this.#now; due = this.#peek()) {
      this.#pop();
      if (due.everyUs !== undefined) {
        due.at = this.#now + due.everyUs;
        due.order = this.#made += 1;
        this.#push(due);
      }
      due.call();
    }
  }

  #schedule(ms: number, everyUs: number | undefined, call: () => void): Timer {
    const at = this.#now + Math.max(0, Math.round(ms * 1000));
    const due: Due = { at, order: (this.#made += 1), everyUs, call, cancelled: false };
    this.#push(due);
    return {
      cancel: () => {
        due.cancelled = true;
      },
    };
  }

  #peek(): Due | undefined {
    while (this.#heap[0]?.cancelled === true) this.#pop();
    return this.#heap[0];
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, due)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const least = heap[child];
      if (least === undefined || isBefore(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/**
 * Promises and the immediates that the program waits in have run; nothing of it is left that does
 * not wait for time.
 */
const atRest = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
