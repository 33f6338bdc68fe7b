import { createHash, timingSafeEqual } from 'node:crypto';

/** Why a request may not pass: undefined when it may. */
export type Refusal = {
  readonly status: 401 | 403;
  readonly error: string;
  readonly hint: string;
};

/** Decides by the key a request presents and the address it comes from. */
export type KeyCheck = (
  key: string | undefined,
  address: string | undefined,
) => Refusal | undefined;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * With keys set, one of them must be presented; every key is compared, in constant time, as a hash.
 * Without keys only loopback addresses may pass.
 */
export const createKeyCheck = (keys: readonly string[]): KeyCheck => {
  const hashes = keys.map(digest);
  if (hashes.length === 0) return (_key, address) => (isLoopback(address) ? undefined : REMOTE);
  return (key) => {
    if (key === undefined) return MISSING;
    const presented = digest(key);
    const matches = hashes.filter((hash) => timingSafeEqual(hash, presented));
    return matches.length > 0 ? undefined : WRONG;
  };
};

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);

const REMOTE: Refusal = {
  status: 403,
  error: 'without an API key this route answers on loopback only',
  hint: 'set API_KEY (or API_KEY_FILE, one key a line) and send it as `Authorization: Bearer …`',
};
const MISSING: Refusal = {
  status: 401,
  error: 'an API key is needed',
  hint: 'send it as `Authorization: Bearer …` or `X-API-Key: …`',
};
const WRONG: Refusal = { status: 401, error: 'this API key is not known', hint: MISSING.hint };
