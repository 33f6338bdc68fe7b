import { backoffMs, type BackoffPolicy } from './backoff.ts';
import type { Clock } from './clock.ts';
import { Bell } from './waiting.ts';

/**
 * closed: everyone may try. open: nobody, for a while. half_open: one tries, the others wait for
 * what comes of it.
 */
export type BreakerState = 'closed' | 'open' | 'half_open';

export type BreakerOptions = {
  /** So many failures without a success between them open it. */
  readonly failures: number;
  /** How long it stays open: longer with every probe that fails. */
  readonly backoff: BackoffPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onChange: (state: BreakerState) => void;
};

/**
 * Keeps many from asking what does not answer: after some failures in a row it lets nobody through
 * for a while, then one probe, whose outcome decides for all. It gives nothing up and loses no
 * caller: who may not try, waits. Any success closes it, also of an attempt begun before it opened.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #changed = new Bell();
  #state: BreakerState = 'closed';
  #failures = 0;
  /** Probes that failed since it was last closed. */
  #failedProbes = 0;
  /** Since when the state is what it is, our clock, µs. */
  since: number;
  /** When an open one lets a probe through. */
  probeAt: number | undefined;
  /** How often it went from closed to open. */
  openings = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.since = options.clock.now();
  }

  get state(): BreakerState {
    return this.#state;
  }

  /**
   * Resolves when the caller may try, who then tells of it by `succeeded` or `failed`; at once
   * while closed. Resolves with false when `signal` is aborted first.
   */
  async admitted(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (this.#state === 'closed') return true;
      if (this.#state === 'open' && this.probeAt === undefined) {
        this.#enter('half_open');
        return true;
      }
      await this.#changed.wait(signal);
    }
    return false;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#failedProbes = 0;
    if (this.#state !== 'closed') this.#enter('closed');
  }

  failed(): void {
    this.#failures += 1;
    if (this.#state === 'half_open') {
      this.#failedProbes += 1;
      this.#open();
    } else if (this.#state === 'closed' && this.#failures >= this.#options.failures) {
      this.openings += 1;
      this.#open();
    }
  }

  #open(): void {
    const { clock, backoff, random } = this.#options;
    const waitMs = backoffMs(backoff, this.#failedProbes, random);
    this.probeAt = clock.now() + waitMs * 1000;
    this.#enter('open');
    clock.after(waitMs, () => {
      if (this.#state !== 'open') return;
      this.probeAt = undefined;
      this.#changed.ring();
    });
  }

  #enter(state: BreakerState): void {
    if (state !== 'open') this.probeAt = undefined;
    this.#state = state;
    this.since = this.#options.clock.now();
    this.#options.onChange(state);
    this.#changed.ring();
  }
}
