import type { Context, MiddlewareHandler } from 'hono';
import type { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { AuditLog } from './audit-log.ts';
import { callerOf, clientOf, type Caller } from './caller.ts';
import type { HttpCounts } from './counts.ts';
import type { KeyRing } from './keys.ts';
import type { RateLimiter } from './rate-limit.ts';
import { unfitness } from './request-limits.ts';

/** What every request passes, in this order: headers, audit, admission, and the guard. */
export type GateParts = {
  readonly keys: KeyRing;
  readonly limiter: RateLimiter;
  readonly audit: AuditLog | undefined;
  readonly counts: HttpCounts;
  readonly log: RateLimitedLog;
  /** Microseconds. */
  readonly now: () => number;
};

/** As the server fills it in for a request. */
export type HttpEnv = {
  Bindings: { readonly address: string | undefined };
  Variables: { caller: Caller; isNoise: boolean };
};

type Handler = MiddlewareHandler<HttpEnv>;

/** A wrong key costs its address as much as so many requests. */
const WRONG_KEY_COST = 10;

/** On every answer. Nothing here is to be kept, framed, sniffed or run by a browser. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Counts the answer and puts on it what every answer has. */
export const answered =
  ({ counts }: GateParts): Handler =>
  async (c, next) => {
    await next();
    counts.answered(c.res.status);
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  };

/** Tells who asks, and refuses what no route takes, or too much of it. */
export const admitted =
  ({ keys, limiter }: GateParts): Handler =>
  async (c, next) => {
    const caller = callerOf(c.req.raw.headers, c.env.address, keys);
    c.set('caller', caller);
    const client = clientOf(caller);
    const limited = limiter.take(client);
    if (limited !== undefined) {
      c.set('isNoise', !limited.isFirst);
      const retryAfter = String(limited.retryAfterSeconds);
      return c.json({ error: 'too many requests' }, 429, { 'retry-after': retryAfter });
    }
    if (caller.wrongKey) limiter.charge(client, WRONG_KEY_COST);
    const unfit = unfitness(c.req.raw);
    if (unfit !== undefined) return c.json({ error: unfit.error }, unfit.status, unfit.headers);
    return next();
  };

/** With keys set, one of them must be presented; without, only this machine may pass. */
export const guarded =
  ({ keys }: GateParts): Handler =>
  async (c, next) => {
    const { keyId, wrongKey, isLocal } = c.get('caller');
    if (keys.isEmpty) return isLocal ? next() : c.json(REMOTE, 403);
    if (keyId !== undefined) return next();
    return c.json(wrongKey ? WRONG : MISSING, 401, { 'www-authenticate': 'Bearer' });
  };

/**
 * A line for every request to the route, refused ones included; of a client that goes on asking
 * past its limit only the first, so that it cannot push the others out of the files.
 */
export const audited =
  (route: string, { audit, now }: GateParts): Handler =>
  async (c, next) => {
    await next();
    if (audit === undefined || c.get('isNoise')) return;
    const { keyId, address } = c.get('caller');
    const { method } = c.req;
    audit.write({ time: now(), keyId, method, route, status: c.res.status, address });
  };

/** What no handler caught: told to the log by its name and place, to the client not at all. */
export const failed =
  ({ log }: GateParts) =>
  (error: Error, c: Context<HttpEnv>): Response => {
    const at = error.stack
      ?.split('\n')
      .find((line) => /^\s*at /.test(line))
      ?.trim();
    log.say('internal', 'error', 'A request failed', { error: error.name, at });
    return c.json({ error: 'internal error' }, 500);
  };

const HINT = 'send it as `Authorization: Bearer …` or `X-API-Key: …`';
const MISSING = { error: 'an API key is needed', hint: HINT };
const WRONG = { error: 'this API key is not known', hint: HINT };
const REMOTE = {
  error: 'without an API key this route answers on loopback only',
  hint: `set API_KEY (or API_KEY_FILE, one key a line) and ${HINT}`,
};
