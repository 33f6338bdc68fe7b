import type { DeadLetter } from '../sinks/sink.ts';
import type { ReceiveTime } from '../market/time.ts';

/** Samples kept per source, reason and hour of receive time; the counters count all. */
const SAMPLES_PER_HOUR = 20;
/** A sample's payload is cut here. */
const PAYLOAD_BYTES = 64 * 1024;
const HOUR_US = 3_600_000_000;
/** Combinations of source, reason and hour remembered. */
const KEYS_MAX = 1000;

export type Refused = Omit<DeadLetter, 'kind' | 'payload'> & { readonly payload: string };

/**
 * Decides which refused frames and rows are kept as samples, by receive time alone, so that replays
 * keep the same.
 */
export class DeadLetterSamples {
  readonly #kept = new Map<string, number>();
  readonly #encoder = new TextEncoder();

  /** The dead letter to store, or undefined where enough of its kind are. */
  sample(refused: Refused): DeadLetter | undefined {
    const key = keyOf(refused.source, refused.reason, refused.receiveTime);
    const kept = this.#kept.get(key) ?? 0;
    if (kept >= SAMPLES_PER_HOUR) return undefined;
    if (this.#kept.size >= KEYS_MAX) this.#kept.clear();
    this.#kept.set(key, kept + 1);
    const payload = this.#encoder.encode(refused.payload).subarray(0, PAYLOAD_BYTES);
    return { kind: 'dead_letter', ...refused, payload };
  }
}

const keyOf = (source: string, reason: string, at: ReceiveTime): string =>
  `${source} ${reason} ${Math.floor(at / HOUR_US)}`;
