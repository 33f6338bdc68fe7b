import type { Clock, Timer } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { App } from './app.ts';
import { steerTo } from './steering.ts';
import type { TlsMaterial } from './tls.ts';

/** No route takes a body. */
const MAX_BODY_BYTES = 0;
/** A connection without a request is closed after this. */
const IDLE_SECONDS = 30;
/** After this no connection of a listener that was replaced can be idle any more. */
export const DRAIN_MS = (IDLE_SECONDS + 5) * 1000;

export type ServerOptions = {
  readonly app: App;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: TlsMaterial | undefined;
  readonly clock: Clock;
};

type Listener = {
  readonly server: ReturnType<typeof Bun.serve>;
  /** Whether each answer is to be the last of its connection. */
  isDraining: boolean;
};

/**
 * A port that is served, with another certificate on request and no request dropped for it: a
 * listener keeps the certificate it was made with, so a second one takes the new connections, and
 * the first answers those it has, each for the last time, until none can be left.
 */
export class HttpServer {
  readonly host: string;
  readonly port: number;
  readonly #options: ServerOptions;
  /** As the kernel's group of them is ordered. */
  #listeners: readonly Listener[];
  #newest: Listener;
  readonly #drains = new Set<Timer>();

  /** Throws `usage` when the address cannot be had. */
  constructor(options: ServerOptions) {
    this.#options = options;
    this.host = options.host;
    // Listeners that share a port would let a second program in beside this one.
    if (options.tls !== undefined && options.port !== 0) assertFree(options);
    this.#newest = listen(options, options.port, options.tls);
    this.#listeners = [this.#newest];
    this.port = this.#newest.server.port ?? options.port;
  }

  /**
   * From now on connections get this certificate. Returns whether those that were just being opened
   * are served too; where the kernel cannot be told, they may be refused once. Throws `usage`, and
   * then goes on as before.
   */
  renew(tls: TlsMaterial): boolean {
    const replaced = this.#newest;
    this.#newest = listen(this.#options, this.port, tls);
    this.#listeners = [...this.#listeners, this.#newest];
    const isSteered = steerTo(this.port, this.#listeners.length - 1);
    replaced.isDraining = true;
    if (isSteered) this.#closeLater(replaced);
    else this.#close(replaced);
    return isSteered;
  }

  /** Cuts what is left. */
  async stop(): Promise<void> {
    for (const drain of this.#drains) drain.cancel();
    await Promise.all(this.#listeners.map(({ server }) => server.stop(true)));
  }

  #closeLater(listener: Listener): void {
    const drain = this.#options.clock.after(DRAIN_MS, () => {
      this.#drains.delete(drain);
      this.#close(listener);
    });
    this.#drains.add(drain);
  }

  /** Requests that are in flight are answered; the last of the group takes the place. */
  #close(listener: Listener): void {
    const last = this.#listeners.at(-1) ?? listener;
    this.#listeners = this.#listeners.slice(0, -1).map((each) => (each === listener ? last : each));
    void listener.server.stop();
    if (this.#listeners.length > 1) steerTo(this.port, this.#listeners.indexOf(this.#newest));
  }
}

const listen = (
  { app, host }: ServerOptions,
  port: number,
  tls: TlsMaterial | undefined,
): Listener => {
  try {
    const server = Bun.serve({
      hostname: host,
      port,
      reusePort: tls !== undefined,
      development: false,
      maxRequestBodySize: MAX_BODY_BYTES,
      idleTimeout: IDLE_SECONDS,
      ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
      fetch: async (request, bun) => {
        const response = await app.fetch(request, { address: bun.requestIP(request)?.address });
        if (listener.isDraining) response.headers.set('connection', 'close');
        return response;
      },
      error: () => Response.json({ error: 'internal error' }, { status: 500 }),
    });
    const listener: Listener = { server, isDraining: false };
    return listener;
  } catch (cause) {
    throw refusal(host, port, cause);
  }
};

const tlsOptions = ({ cert, key, clientCa }: TlsMaterial) => ({
  cert,
  key,
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
});

const assertFree = ({ host, port }: ServerOptions): void => {
  try {
    Bun.listen({ hostname: host, port, socket: { data: () => undefined } }).stop(true);
  } catch (cause) {
    throw refusal(host, port, cause);
  }
};

const refusal = (host: string, port: number, cause: unknown): MdpError =>
  new MdpError('usage', `cannot listen on ${host}:${port}`, {
    hint: 'choose another http.port (PIPELINE_HTTP_PORT), 0 for a free one',
    cause,
  });
