import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { isIP } from 'node:net';
import type { SslMode } from './address.ts';

/** What the driver takes as `ssl`: its words check nothing, an object checks what it says. */
export type DriverSsl = false | 'prefer' | 'require' | ConnectionOptions;

/**
 * sslmode as libpq means it: `require` with a CA file checks the chain; `verify-full` also that the
 * certificate is for `host`. `ca` is PEM text; without it the system's authorities count.
 */
export function driverSsl(mode: SslMode, ca: string | undefined, host: string): DriverSsl {
  if (mode === 'disable') return false;
  if (mode === 'allow' || mode === 'prefer') return 'prefer';
  if (mode === 'require' && ca === undefined) return 'require';
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_name, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  };
}
