/** How long a client is to wait, and whether it was let through just before. */
export type Limited = { readonly retryAfterSeconds: number; readonly isFirst: boolean };

type Bucket = { tokens: number; at: number; limited: boolean };

/** So many clients are told apart; past it the one that was quiet longest is forgotten. */
export const MAX_CLIENTS = 10_000;

/**
 * A token bucket for each client: `perSecond` requests a second, as many at once. 0 = no limit. A
 * client that is forgotten starts with a full bucket.
 */
export class RateLimiter {
  readonly #perSecond: number;
  /** Microseconds. */
  readonly #now: () => number;
  /** In the order of their last request. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  get clients(): number {
    return this.#buckets.size;
  }

  /** Takes a token, or says how long there is none. */
  take(client: string): Limited | undefined {
    if (this.#perSecond === 0) return undefined;
    const bucket = this.#bucketOf(client);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      bucket.limited = false;
      return undefined;
    }
    const isFirst = !bucket.limited;
    bucket.limited = true;
    return { retryAfterSeconds: Math.ceil((1 - bucket.tokens) / this.#perSecond), isFirst };
  }

  /** Takes `tokens` for something that is to be rare; a bucket is at most one second in debt. */
  charge(client: string, tokens: number): void {
    if (this.#perSecond === 0) return;
    const bucket = this.#bucketOf(client);
    bucket.tokens = Math.max(bucket.tokens - tokens, -this.#perSecond);
  }

  /** The client's bucket as of now, at the end of the order. */
  #bucketOf(client: string): Bucket {
    const now = this.#now();
    const known = this.#buckets.get(client);
    this.#buckets.delete(client);
    const bucket = known ?? { tokens: this.#perSecond, at: now, limited: false };
    const grown = bucket.tokens + ((now - bucket.at) / 1e6) * this.#perSecond;
    bucket.tokens = Math.min(grown, this.#perSecond);
    bucket.at = now;
    this.#buckets.set(client, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_CLIENTS && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }
}
