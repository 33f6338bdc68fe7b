/**
 * A local venue over real sockets that does exactly what a script says, wrong things included: the
 * WebSocket protocol is spoken by hand here, because a proper server would refuse to misbehave.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { clientFrames, serverFrame } from './wire.ts';

export type ScriptedVenue = {
  /** ws:// address. */
  readonly url: string;
  /** When each connection came, in ms; refused ones too. */
  readonly connectedAt: readonly number[];
  readonly peers: readonly Peer[];
  stop(): Promise<void>;
};

/**
 * Called for each connection, numbered from 0. What it throws fails nothing: the connection is cut.
 */
export type Script = (peer: Peer, number: number) => Promise<void> | void;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const startScriptedVenue = async (script: Script): Promise<ScriptedVenue> => {
  const connectedAt: number[] = [];
  const peers: Peer[] = [];
  const server = createServer((socket) => {
    const peer = new Peer(socket);
    connectedAt.push(performance.now());
    peers.push(peer);
    Promise.resolve(script(peer, peers.length - 1)).catch(() => peer.cut());
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  return {
    url: `ws://127.0.0.1:${port}`,
    connectedAt,
    peers,
    stop: () => {
      for (const peer of peers) peer.cut();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
};

/** The venue's end of one connection. */
export class Peer {
  /** Frames of the client by kind, in order. */
  readonly texts: string[] = [];
  readonly textsAt: number[] = [];
  pings = 0;
  pongs = 0;
  /** The close code that the client sent; 1005 for none, undefined when it only went. */
  closeCode: number | undefined;
  /** Pings are answered, and close frames too, until a script says no. */
  polite = true;
  isClosed = false;
  readonly #socket: Socket;
  readonly #asked = Promise.withResolvers<string>();
  readonly #waiting: ((text: string) => void)[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #taken = 0;
  #upgraded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => this.#gone());
    socket.on('close', () => this.#gone());
  }

  /** Answers 101. */
  async accept(): Promise<void> {
    const key = /sec-websocket-key: *(\S+)/i.exec(await this.#asked.promise)?.[1] ?? '';
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    this.#upgraded = true;
    this.raw(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  }

  /** Answers with a status instead. */
  async refuse(status: number): Promise<void> {
    await this.#asked.promise;
    this.#socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }

  /** The client's next text frame that was not taken yet. */
  async next(): Promise<string> {
    const text = this.texts[this.#taken];
    this.#taken += 1;
    return text ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(text: string): void {
    this.raw(serverFrame(0x1, Buffer.from(text)));
  }

  sendBinary(bytes: Uint8Array): void {
    this.raw(serverFrame(0x2, bytes));
  }

  close(code: number): void {
    this.raw(serverFrame(0x8, Buffer.from([code >> 8, code & 0xff])));
    this.#socket.end();
  }

  cut(): void {
    this.#socket.destroy();
  }

  raw(bytes: string | Uint8Array): boolean {
    return this.isClosed ? false : this.#socket.write(bytes);
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    if (this.#upgraded) this.#readFrames();
    else if (this.#unread.includes('\r\n\r\n')) {
      this.#asked.resolve(this.#unread.toString());
      this.#unread = Buffer.alloc(0);
    }
  }

  #readFrames(): void {
    const { frames, rest } = clientFrames(this.#unread);
    this.#unread = rest;
    for (const { opcode, payload } of frames) this.#heard(opcode, payload);
  }

  #heard(opcode: number, payload: Buffer): void {
    if (opcode === 0x1) {
      this.texts.push(payload.toString());
      this.textsAt.push(performance.now());
      this.#waiting.shift()?.(payload.toString());
    } else if (opcode === 0x9) {
      this.pings += 1;
      if (this.polite) this.raw(serverFrame(0xa, payload));
    } else if (opcode === 0xa) {
      this.pongs += 1;
    } else if (opcode === 0x8) {
      this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      if (!this.polite) return;
      this.raw(serverFrame(0x8, payload));
      this.#socket.end();
    }
  }

  #gone(): void {
    this.isClosed = true;
  }
}
