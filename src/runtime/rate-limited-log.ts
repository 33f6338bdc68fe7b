import type { Clock } from './clock.ts';
import type { Log, LogFields, LogLevel } from './log.ts';

/**
 * At most one line per key and interval; the next line says how many were held back in
 * `suppressed`. For events that can come thousands of times a second. Keys are a closed set of the
 * caller's.
 */
export class RateLimitedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #intervalUs: number;
  readonly #keys = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Log, clock: Clock, intervalMs = 10_000) {
    this.#log = log;
    this.#clock = clock;
    this.#intervalUs = intervalMs * 1000;
  }

  say(key: string, level: LogLevel, message: string, fields: LogFields = {}): void {
    const now = this.#clock.now();
    const entry = this.#keys.get(key);
    if (entry !== undefined && now - entry.at < this.#intervalUs) {
      entry.suppressed += 1;
      return;
    }
    this.#log[level](message, { ...fields, suppressed: entry?.suppressed ?? 0 });
    this.#keys.set(key, { at: now, suppressed: 0 });
  }
}
