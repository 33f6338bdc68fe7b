import { connect, createServer, type Server, type Socket } from 'node:net';

const backendKeyData = 'K'.charCodeAt(0);
const readyForQuery = 'Z'.charCodeAt(0);

/**
 * A pooler in transaction mode with two servers for every client, each statement on the other one:
 * what PgBouncer does when clients share servers, without the luck. As every pooler it announces a
 * process id of its own.
 */
export class TransactionPooler {
  readonly #target: number;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  /** Statements that went to another server than the one before. */
  switches = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async start(target: number): Promise<TransactionPooler> {
    const pooler = new TransactionPooler(target);
    await new Promise<void>((resolve) => pooler.#listener.listen(0, '127.0.0.1', resolve));
    return pooler;
  }

  get url(): string {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('the pooler is closed');
    return `postgres://postgres@127.0.0.1:${address.port}/postgres?sslmode=disable`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.#track(client);
    const servers = [this.#connect(), this.#connect()] as const;
    const ready = [0, 0];
    const greetings: Buffer[] = [];
    let at = 0;
    let startedUp = false;
    client.on('data', (bytes: Buffer) => {
      if (!startedUp) {
        startedUp = true;
        for (const server of servers) server.write(bytes);
        return;
      }
      at = 1 - at;
      this.switches += 1;
      servers[at]?.write(bytes);
    });
    for (const [index, server] of servers.entries()) {
      server.on('data', (bytes: Buffer) => {
        if (ready[index] !== 0) {
          client.write(bytes);
          return;
        }
        // Only the first server's greeting reaches the client, when both have greeted: what it asks
        // then has no greeting in front of its answer.
        ready[index] = countReady(bytes);
        if (index === 0) greetings.push(withOwnProcessId(bytes));
        if (ready.every((count) => count > 0)) client.write(Buffer.concat(greetings));
      });
      client.on('close', () => server.destroy());
    }
  }

  #connect(): Socket {
    return this.#track(connect({ host: '127.0.0.1', port: this.#target, noDelay: true }));
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // The other side shows what a cut connection means; `close` follows.
    socket.on('error', () => {});
    return socket;
  }
}

function countReady(bytes: Buffer): number {
  return messagesOf(bytes).filter(({ type }) => type === readyForQuery).length;
}

function withOwnProcessId(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (const { type, at } of messagesOf(bytes)) {
    if (type === backendKeyData) copy.writeUInt32BE(1_234_567, at + 5);
  }
  return copy;
}

/**
 * The whole messages of one read: a type, four bytes of length, which counts itself, and the rest.
 */
function messagesOf(bytes: Buffer): readonly { readonly type: number; readonly at: number }[] {
  const messages: { type: number; at: number }[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
    messages.push({ type: bytes.readUInt8(at), at });
  }
  return messages;
}
