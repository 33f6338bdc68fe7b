import type { Hono } from 'hono';
import { MdpError } from '../runtime/errors.ts';

export type HttpServer = {
  readonly port: number;
  readonly host: string;
  stop(): Promise<void>;
};

/** Longest request body that is read at all; no route takes one. */
const MAX_BODY_BYTES = 64 * 1024;
/** A connection without a request is closed after this. */
const IDLE_SECONDS = 30;

/** Serves `app`; port 0 takes a free one. Throws `usage` when the address cannot be had. */
export const serve = (app: Hono, host: string, port: number): HttpServer => {
  try {
    const server = Bun.serve({
      hostname: host,
      port,
      maxRequestBodySize: MAX_BODY_BYTES,
      idleTimeout: IDLE_SECONDS,
      fetch: (request, bun) => app.fetch(request, { address: bun.requestIP(request)?.address }),
    });
    return { port: server.port ?? port, host, stop: () => server.stop(true) };
  } catch (cause) {
    throw new MdpError('usage', `cannot listen on ${host}:${port}`, {
      hint: 'choose another http.port (PIPELINE_HTTP_PORT), 0 for a free one',
      cause,
    });
  }
};
