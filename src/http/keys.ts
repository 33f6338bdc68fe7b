import { createHash, timingSafeEqual } from 'node:crypto';

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** What the running program keeps of its API keys: their SHA-256, in hex. */
export const sealed = (keys: readonly string[]): readonly string[] =>
  keys.map((key) => digestOf(key).toString('hex'));

/** Hex digits of a key's SHA-256 that name it: enough to tell keys apart, too few to be one. */
const ID_DIGITS = 8;

/** The keys that open protected routes, as hashes; others may take their place while it runs. */
export class KeyRing {
  #digests: readonly Buffer[] = [];

  constructor(digests: readonly string[]) {
    this.renew(digests);
  }

  /** From now on these count, and no others. */
  renew(digests: readonly string[]): void {
    this.#digests = digests.map((digest) => Buffer.from(digest, 'hex'));
  }

  get isEmpty(): boolean {
    return this.#digests.length === 0;
  }

  /** The id of a key that is on the ring. Every key is compared, in constant time. */
  idOf(key: string): string | undefined {
    const presented = digestOf(key);
    const matches = this.#digests.filter((digest) => timingSafeEqual(digest, presented));
    return matches[0]?.toString('hex').slice(0, ID_DIGITS);
  }
}
