import type { Registry } from 'prom-client';
import type { Config } from '../config/config.ts';
import { formatTime } from '../market/time.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import { createApp, createMetricsApp, type AppParts } from './app.ts';
import { AuditLog } from './audit-log.ts';
import { HttpCounts } from './counts.ts';
import type { GateParts } from './gate.ts';
import { httpMetrics } from './http-metrics.ts';
import { KeyRing, sealed } from './keys.ts';
import { RateLimiter } from './rate-limit.ts';
import { HttpServer } from './server.ts';
import { assertValid, isSameTls, isValid, readTls, type TlsMaterial } from './tls.ts';

type HttpConfig = Config['http'];

export type HttpSideOptions = {
  /** With its keys sealed. */
  readonly config: Pick<Config, 'http' | 'telemetry'>;
  readonly clock: Clock;
  readonly log: Log;
};

/** The configuration with hashes in the place of its API keys: what a run goes on with. */
export const withSealedKeys = (config: Config): Config => ({
  ...config,
  http: { ...config.http, apiKeys: sealed(config.http.apiKeys) },
});

/**
 * Everything that is served, and who may ask: keys, limits, audit log and certificate live as long
 * as the run; keys and certificate can be renewed in it.
 */
export class HttpSide {
  readonly #options: HttpSideOptions;
  readonly #gate: GateParts;
  #tls: TlsMaterial | undefined;
  #servers: readonly HttpServer[] = [];

  /** Opens nothing yet. Throws `config` for certificates or an audit log that cannot be used. */
  constructor(options: HttpSideOptions) {
    const { config, clock, log } = options;
    const { http } = config;
    const now = (): number => clock.now();
    this.#options = options;
    this.#tls = readTls(http.tls);
    this.#gate = {
      keys: new KeyRing(http.apiKeys),
      limiter: new RateLimiter(http.maxRequestsPerSec, now),
      audit: http.auditLog === undefined ? undefined : new AuditLog(http.auditLog, log, clock),
      counts: new HttpCounts(),
      log: new RateLimitedLog(log, clock),
      now,
    };
  }

  /** Listens. Throws `usage` when an address cannot be had. */
  start(pipeline: Pipeline, metrics: Registry | undefined): readonly HttpServer[] {
    const { config, clock, log } = this.#options;
    const { http, telemetry } = config;
    if (metrics !== undefined) {
      const { limiter, audit, counts } = this.#gate;
      httpMetrics(metrics, { limiter, audit, counts, tls: () => this.#tls });
    }
    const parts: AppParts = {
      pipeline,
      metrics,
      gate: this.#gate,
      protectMetrics: http.protectMetrics,
      now: this.#gate.now,
    };
    const common = { host: http.host, tls: this.#tls, clock };
    const { metricsPort } = telemetry;
    this.#servers = [new HttpServer({ ...common, app: createApp(parts), port: http.port })];
    if (metricsPort !== undefined && metricsPort !== http.port) {
      const app = createMetricsApp(parts);
      this.#servers = [...this.#servers, new HttpServer({ ...common, app, port: metricsPort })];
    }
    if (this.#tls !== undefined && !isValid(this.#tls, this.#gate.now())) {
      log.warn('The certificate of http.tls.cert is not valid now; clients will refuse it');
    }
    return this.#servers;
  }

  /**
   * Of another configuration, with sealed keys, what can be taken while it runs: keys, and where
   * TLS is on and stays on, its files. The first call decides and throws `config` for what is
   * wrong; nothing has changed before the second.
   */
  prepare(running: HttpConfig, next: HttpConfig): { readonly http: HttpConfig; take(): void } {
    const staysOn = this.#tls !== undefined && next.tls.cert !== undefined;
    const http = { ...running, apiKeys: next.apiKeys, tls: staysOn ? next.tls : running.tls };
    const tls = staysOn ? readTls(next.tls) : undefined;
    const isNew = tls !== undefined && this.#tls !== undefined && !isSameTls(tls, this.#tls);
    if (isNew) assertValid(tls, this.#gate.now());
    return {
      http,
      take: () => {
        this.#gate.keys.renew(http.apiKeys);
        if (isNew) this.#renew(tls);
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  #renew(tls: TlsMaterial): void {
    const { log } = this.#options;
    const wereSteered = this.#servers.map((server) => server.renew(tls));
    this.#tls = tls;
    log.info('New connections get the new certificate', { valid_to: formatTime(tls.validTo) });
    if (wereSteered.includes(false)) {
      log.warn('The kernel could not be told: connections being opened may have been refused');
    }
  }
}
