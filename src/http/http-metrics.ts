import type { Registry } from 'prom-client';
import type { AuditLog } from './audit-log.ts';
import type { HttpCounts } from './counts.ts';
import { counter, gauge } from './exposition.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { TlsMaterial } from './tls.ts';

type Parts = {
  readonly limiter: RateLimiter;
  readonly audit: AuditLog | undefined;
  readonly counts: HttpCounts;
  readonly tls: () => TlsMaterial | undefined;
};

/** What the HTTP side tells of itself. */
export const httpMetrics = (registry: Registry, { limiter, audit, counts, tls }: Parts): void => {
  counter(registry, {
    name: 'mdp_http_requests_total',
    help: 'Requests answered, by status; 429: past a client’s limit.',
    labels: ['status'],
    read: () => [...counts.byStatus].map(([status, count]) => [[status], count]),
  });
  gauge(registry, {
    name: 'mdp_http_clients',
    help: 'Clients whose requests are counted apart for the limit; bounded.',
    read: () => [[[], limiter.clients]],
  });
  counter(registry, {
    name: 'mdp_http_audit_lost_total',
    help: 'Lines that the audit log could not take.',
    read: () => [[[], audit?.lost ?? 0]],
  });
  // Without labels it would stand at 0 where there is none: a certificate that ended long ago.
  if (tls() === undefined) return;
  gauge(registry, {
    name: 'mdp_http_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that new connections get ends; not there without TLS.',
    read: () => [[[], (tls()?.validTo ?? 0) / 1e6]],
  });
};
