import type { Clock } from './clock.ts';

/** Resolves after `ms`, or at once when `signal` is aborted. */
export const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal.addEventListener('abort', finish, { once: true });
  });

/** Resolves when `signal` is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Never resolves; rejects as soon as one of them does. */
export const firstFailure = (running: readonly Promise<void>[]): Promise<never> =>
  new Promise((_resolve, reject) => {
    for (const promise of running) promise.catch(reject);
  });

/** Holds the whole thread: for a pipe that is full, at the end of the process. */
export const waitMs = (ms: number): void => Bun.sleepSync(ms);

/** Lets sockets and timers have their turn. */
export const yieldTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * A bell that many may wait for. `ring` wakes all who wait now; a wait begun after it sleeps until
 * the next. Whoever waits checks the condition itself, before and after.
 */
export class Bell {
  #sleepers: (() => void)[] = [];

  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== wake);
        resolve();
      };
      this.#sleepers.push(wake);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  ring(): void {
    if (this.#sleepers.length === 0) return;
    const woken = this.#sleepers;
    this.#sleepers = [];
    for (const wake of woken) wake();
  }
}
