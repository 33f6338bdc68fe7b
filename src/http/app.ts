import { Hono, type Context, type MiddlewareHandler } from 'hono';
import type { Registry } from 'prom-client';
import { formatTime } from '../market/time.ts';
import { healthOf, isReady } from '../pipeline/health.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { statusOf } from '../pipeline/status.ts';
import type { KeyCheck } from './keys.ts';

/**
 * The HTTP side: health, readiness, metrics and status of the running program. It reads snapshots
 * and changes nothing. `/health*` and `/metrics` are open unless protected; `/status` needs a key
 * where keys are set and answers on loopback only where none are.
 */
export type AppParts = {
  readonly pipeline: Pipeline;
  /** undefined = metrics are switched off. */
  readonly metrics: Registry | undefined;
  readonly keys: KeyCheck;
  readonly protectMetrics: boolean;
  /** Microseconds. */
  readonly now: () => number;
};

export const createApp = (parts: AppParts): Hono => {
  const app = new Hono();
  const guard = guardOf(parts.keys);
  app.use(headers);
  if (parts.protectMetrics) {
    app.use('/health', guard);
    app.use('/health/*', guard);
    app.use('/metrics', guard);
  }
  healthRoutes(app, parts);
  if (parts.metrics !== undefined) metricsRoute(app, parts.metrics);
  app.get('/status', guard, (c) => c.json(statusOf(parts.pipeline, parts.now())));
  app.notFound((c) =>
    c.json(
      {
        error: 'not found',
        routes: ['/health', '/health/live', '/health/ready', '/metrics', '/status'],
      },
      404,
    ),
  );
  app.onError((_error, c) => c.json({ error: 'internal error' }, 500));
  return app;
};

/** Metrics and health only, for a second port. */
export const createMetricsApp = (parts: AppParts): Hono => {
  const app = new Hono();
  app.use(headers);
  if (parts.protectMetrics) app.use(guardOf(parts.keys));
  healthRoutes(app, parts);
  if (parts.metrics !== undefined) metricsRoute(app, parts.metrics);
  return app;
};

const healthRoutes = (app: Hono, { pipeline, now }: AppParts): void => {
  app.get('/health', (c) => {
    const { status, entries } = healthOf(pipeline, now());
    const shown = entries.map((entry) => ({ ...entry, since: formatTime(entry.since) }));
    return c.json({ status, entries: shown }, status === 'unhealthy' ? 503 : 200);
  });
  app.get('/health/live', (c) => c.json({ status: 'live' }));
  app.get('/health/ready', (c) => {
    const ready = isReady(pipeline);
    return c.json({ status: ready ? 'ready' : 'not ready' }, ready ? 200 : 503);
  });
};

const metricsRoute = (app: Hono, metrics: Registry): void => {
  app.get('/metrics', async (c) =>
    c.text(await metrics.metrics(), 200, { 'content-type': metrics.contentType }),
  );
};

const headers: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('cache-control', 'no-store');
  c.header('x-content-type-options', 'nosniff');
};

const guardOf =
  (keys: KeyCheck): MiddlewareHandler =>
  async (c, next) => {
    const refusal = keys(presentedKey(c), remoteAddress(c));
    if (refusal === undefined) return next();
    return c.json({ error: refusal.error, hint: refusal.hint }, refusal.status);
  };

const presentedKey = (c: Context): string | undefined => {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  return bearer ?? c.req.header('x-api-key');
};

/**
 * As Bun's server gave it in the environment of the request; undefined in tests without a socket.
 */
const remoteAddress = (c: Context): string | undefined => {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('address' in env)) return undefined;
  return typeof env.address === 'string' ? env.address : undefined;
};
