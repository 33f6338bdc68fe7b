import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What the proxy does to connections, and to what is under way when the mode changes. `pass`:
 * nothing. `hang`: accepts, and neither answers nor forwards. `close`: accepts and hangs up.
 * `cut_after_commit`: lets the server commit a COPY and cuts the connection before its answer
 * reaches the client.
 */
export type ProxyMode = 'pass' | 'hang' | 'close' | 'cut_after_commit';

/**
 * A TCP proxy in front of a server, on a free port of 127.0.0.1. `fired` counts how often each
 * fault took place.
 */
export class FaultProxy {
  readonly #target: number;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  readonly fired = { hang: 0, close: 0, cut_after_commit: 0, trigger: 0 };
  #mode: ProxyMode = 'pass';
  #trigger: { bytes: number; readonly call: () => Promise<void> } | undefined;

  private constructor(target: number) {
    this.#target = target;
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async start(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return address.port;
  }

  url(database = 'postgres'): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
  }

  /** Holds back what the client sends after `bytes` more, calls, and then lets it through. Once. */
  holdAfter(bytes: number, call: () => Promise<void>): void {
    this.#trigger = { bytes, call };
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.#track(client);
    if (this.#mode === 'close') {
      this.fired.close += 1;
      client.end();
      return;
    }
    if (this.#mode === 'hang') {
      this.fired.hang += 1;
      return;
    }
    const server = this.#track(connect({ host: '127.0.0.1', port: this.#target, noDelay: true }));
    client.on('data', (bytes: Buffer) => this.#upstream(bytes, client, server));
    server.on('data', (bytes: Buffer) => this.#downstream(bytes, client, server));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  }

  #upstream(bytes: Buffer, client: Socket, server: Socket): void {
    const trigger = this.#trigger;
    if (trigger === undefined || bytes.length < trigger.bytes) {
      if (trigger !== undefined) trigger.bytes -= bytes.length;
      this.#forward(bytes, server);
      return;
    }
    this.#trigger = undefined;
    this.fired.trigger += 1;
    client.pause();
    this.#forward(bytes.subarray(0, trigger.bytes), server);
    void trigger.call().then(() => {
      this.#forward(bytes.subarray(trigger.bytes), server);
      client.resume();
    });
  }

  #downstream(bytes: Buffer, client: Socket, server: Socket): void {
    if (this.#mode === 'cut_after_commit' && completesCopy(bytes)) {
      this.fired.cut_after_commit += 1;
      client.destroy();
      server.destroy();
      return;
    }
    this.#forward(bytes, client);
  }

  #forward(bytes: Buffer, to: Socket): void {
    if (this.#mode === 'hang') {
      this.fired.hang += 1;
      return;
    }
    if (!to.destroyed) to.write(bytes);
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // A cut connection is what a fault looks like from here; `close` follows.
    socket.on('error', () => {});
    return socket;
  }
}

/** CommandComplete of a COPY: `C`, four bytes of length, `COPY `. */
function completesCopy(bytes: Buffer): boolean {
  const at = bytes.indexOf('COPY ');
  return at >= 5 && bytes[at - 5] === 'C'.charCodeAt(0);
}
