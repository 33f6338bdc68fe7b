import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import { formatTime } from '../market/time.ts';
import { healthOf, isReady } from '../pipeline/health.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { statusOf } from '../pipeline/status.ts';
import {
  admitted,
  answered,
  audited,
  failed,
  guarded,
  type GateParts,
  type HttpEnv,
} from './gate.ts';
import { pathOf } from './request-limits.ts';

/**
 * The HTTP side: health, readiness, metrics and status of the running program. It reads snapshots
 * and changes nothing. `/health*` and `/metrics` are open unless protected; `/status` needs a key
 * where keys are set and answers on loopback only where none are.
 */
export type AppParts = {
  readonly pipeline: Pipeline;
  /** undefined = metrics are switched off. */
  readonly metrics: Registry | undefined;
  readonly gate: GateParts;
  readonly protectMetrics: boolean;
  /** Microseconds. */
  readonly now: () => number;
};

export type App = Hono<HttpEnv>;

const OPEN = ['/health', '/health/live', '/health/ready', '/metrics'] as const;

export const createApp = (parts: AppParts): App => {
  const { protectMetrics, gate, pipeline, now } = parts;
  const app = gatedApp(gate, protectMetrics ? [...OPEN, '/status'] : ['/status']);
  healthRoutes(app, parts);
  if (parts.metrics !== undefined) metricsRoute(app, parts.metrics);
  app.get('/status', (c) => c.json(statusOf(pipeline, now())));
  app.notFound((c) => c.json({ error: 'not found', routes: [...OPEN, '/status'] }, 404));
  return app;
};

/** Metrics and health only, for a second port. */
export const createMetricsApp = (parts: AppParts): App => {
  const app = gatedApp(parts.gate, parts.protectMetrics ? OPEN : []);
  healthRoutes(app, parts);
  if (parts.metrics !== undefined) metricsRoute(app, parts.metrics);
  app.notFound((c) => c.json({ error: 'not found', routes: OPEN }, 404));
  return app;
};

const gatedApp = (gate: GateParts, guardedRoutes: readonly string[]): App => {
  const app: App = new Hono<HttpEnv>({ getPath: pathOf });
  app.use(answered(gate));
  for (const route of guardedRoutes) app.use(route, audited(route, gate));
  app.use(admitted(gate));
  for (const route of guardedRoutes) app.use(route, guarded(gate));
  app.onError(failed(gate));
  return app;
};

const healthRoutes = (app: App, { pipeline, now }: AppParts): void => {
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

const metricsRoute = (app: App, metrics: Registry): void => {
  app.get('/metrics', async (c) =>
    c.text(await metrics.metrics(), 200, { 'content-type': metrics.contentType }),
  );
};
