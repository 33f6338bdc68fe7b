import type { Socket as Tcp, SocketHandler } from 'bun';
import { isIP } from 'node:net';
import { yieldTurn } from '../../runtime/waiting.ts';
import { withoutSecrets } from '../../runtime/without-secrets.ts';
import type { OpenSocket, Socket, SocketEvents, SocketFailure, SocketOptions } from '../socket.ts';
import { clientFrame, CLOSE, OPCODE } from './frame.ts';
import { MessageReader } from './message-reader.ts';
import { newKey, readAnswer, upgradeRequest } from './upgrade.ts';

/**
 * Bytes after which others have their turn. A socket that has more at once is read on and on, and
 * what it brings would pile up in front of a reader who gets none.
 */
const MOST_A_TURN = 256 * 1024;

/**
 * Our own WebSocket client, straight to the venue: no proxy, no compression. It takes the socket's
 * bytes and hands out texts; a message larger than `maxFrameBytes` is not even read.
 */
export const openDirectSocket: OpenSocket = (url, options, events) =>
  new DirectSocket(new URL(url), options, events);

/** `failure`: it did not end in order. */
type End = {
  readonly code: number;
  readonly reason: string;
  readonly failure?: SocketFailure | undefined;
};

class DirectSocket implements Socket {
  readonly #url: URL;
  readonly #events: SocketEvents;
  readonly #reader: MessageReader;
  readonly #key = newKey();
  #tcp: Tcp<DirectSocket> | undefined;
  #phase: 'connecting' | 'open' | 'closing' | 'ended' = 'connecting';
  #head: Buffer = Buffer.alloc(0);
  /** What the kernel did not take yet; beside it the answer to the last ping: one is enough. */
  #unsent: Buffer[] = [];
  #pong: Buffer | undefined;
  #isPaused = false;
  /** The connection is gone, but what came before is not told yet. */
  #gone: End | undefined;

  constructor(url: URL, options: SocketOptions, events: SocketEvents) {
    this.#url = url;
    this.#events = events;
    this.#reader = new MessageReader(options.maxFrameBytes, {
      text: (text, bytes) => this.#message(text, bytes),
      binary: (bytes) => this.#message(bytes.utf8Slice(), bytes.length),
      pinged: (payload) => {
        this.#answerPing(clientFrame(OPCODE.pong, payload));
        events.pinged();
      },
      ponged: (payload) => events.ponged(payload.utf8Slice()),
      closed: (code, reason) => this.#closeFrame(code, reason),
      broken: (code, message) => this.#broken(code, message),
    });
    void this.#connect(options);
  }

  send(text: string): void {
    if (this.#phase === 'open') this.#write(clientFrame(OPCODE.text, Buffer.from(text)));
  }

  ping(payload = ''): void {
    if (this.#phase === 'open') this.#write(clientFrame(OPCODE.ping, Buffer.from(payload)));
  }

  pong(): void {
    if (this.#phase === 'open') this.#answerPing(clientFrame(OPCODE.pong, Buffer.alloc(0)));
  }

  pause(): void {
    this.#isPaused = true;
    this.#reader.hold();
    this.#tcp?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => {
      if (this.#phase === 'ended' || this.#isPaused) return;
      this.#events.received();
      this.#reader.goOn();
      this.#told();
      if (this.#isPaused) return;
      if (this.#gone === undefined) this.#tcp?.resume();
      else this.#end(this.#gone);
    });
  }

  close(): void {
    if (this.#phase === 'connecting') this.terminate();
    if (this.#phase !== 'open') return;
    this.#sendClose(CLOSE.normal);
    this.#phase = 'closing';
  }

  terminate(): void {
    const isOver = this.#phase === 'ended';
    this.#leave();
    this.#tcp?.terminate();
    if (isOver) return;
    queueMicrotask(() => this.#events.closed(CLOSE.abnormal, ''));
  }

  // What happens to the connection below.

  /** The connection is there, but with TLS no one knows yet who is at its other end. */
  connected(tcp: Tcp<DirectSocket>): void {
    this.#tcp = tcp;
    tcp.setNoDelay(true);
    if (this.#phase === 'ended') tcp.terminate();
  }

  /** It is the venue that we are connected to. */
  trusted(): void {
    if (this.#phase === 'connecting') this.#write(upgradeRequest(this.#url, this.#key));
  }

  /** The encryption could not be agreed on, or ours is not whom the certificate names. */
  distrusted(message: string): void {
    this.disconnected(`no TLS with ${this.#url.host}: ${message}`);
  }

  received(bytes: Buffer): void {
    if (this.#phase === 'connecting') {
      this.#upgrade(bytes);
    } else if (this.#phase !== 'ended') {
      this.#events.received();
      this.#reader.take(bytes);
      this.#told();
      if (bytes.length >= MOST_A_TURN) void this.#giveTurn();
    }
  }

  /** The kernel takes more again. */
  drained(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const bytes of unsent) this.#write(bytes);
    if (this.#unsent.length > 0 || this.#pong === undefined) return;
    const pong = this.#pong;
    this.#pong = undefined;
    this.#write(pong);
  }

  disconnected(message: string | undefined): void {
    const isEarly = this.#phase === 'connecting' && message === undefined;
    const words = isEarly ? 'closed before the upgrade was answered' : message;
    const failure = words === undefined ? undefined : { message: words };
    const end = { code: CLOSE.abnormal, reason: '', failure };
    if (this.#reader.isHeld) this.#gone ??= end;
    else this.#end(end);
  }

  async #connect({ ca }: SocketOptions): Promise<void> {
    const { protocol, hostname, port } = this.#url;
    const isPrivate = protocol === 'wss:';
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const name = isIP(host) === 0 ? { serverName: host } : {};
    const target = { hostname: host, port: Number(port) || (isPrivate ? 443 : 80), data: this };
    const tls = { ...name, ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true };
    try {
      // Nothing is told before the opener has returned, not even that this cannot work.
      await yieldTurn();
      if (this.#phase === 'ended') return;
      await Bun.connect(
        isPrivate ? { ...target, socket: encrypted, tls } : { ...target, socket: plain },
      );
    } catch (error) {
      this.disconnected(`cannot connect to ${host}:${target.port}: ${codeOf(error)}`);
    }
  }

  /** Everyone else has a turn before more is read. */
  async #giveTurn(): Promise<void> {
    this.#tcp?.pause();
    await yieldTurn();
    if (this.#phase !== 'ended' && !this.#isPaused) this.#tcp?.resume();
  }

  #upgrade(bytes: Buffer): void {
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const head = this.#head;
    const answer = readAnswer(head, this.#key);
    if (answer === undefined) return;
    this.#head = Buffer.alloc(0);
    if (answer.kind === 'refused') {
      const { message, status } = answer;
      this.#end({ code: CLOSE.abnormal, reason: '', failure: { message, status } });
      this.#tcp?.terminate();
      return;
    }
    this.#phase = 'open';
    this.#events.opened();
    if (head.length > answer.size) this.received(head.subarray(answer.size));
  }

  #told(): void {
    if (this.#phase !== 'ended') this.#events.told();
  }

  #message(text: string, bytes: number): void {
    if (this.#phase === 'open') this.#events.message(text, bytes);
  }

  #closeFrame(code: number, reason: string): void {
    if (this.#phase === 'open') this.#sendClose(code === CLOSE.noCode ? CLOSE.normal : code);
    this.#end({ code, reason: withoutSecrets(reason) });
    this.#tcp?.shutdown();
  }

  #broken(code: number, message: string): void {
    const failure = { message, oversized: code === CLOSE.tooBig };
    const isLeaving = this.#phase === 'closing';
    if (!isLeaving) this.#sendClose(code);
    this.#end({ code: CLOSE.abnormal, reason: '', failure: isLeaving ? undefined : failure });
    this.#tcp?.shutdown();
  }

  #sendClose(code: number): void {
    this.#write(clientFrame(OPCODE.close, Buffer.from([code >>> 8, code & 0xff])));
  }

  #answerPing(pong: Buffer): void {
    if (this.#unsent.length > 0) this.#pong = pong;
    else this.#write(pong);
  }

  #write(bytes: Buffer): void {
    const sent = this.#unsent.length > 0 ? 0 : Math.max(0, this.#tcp?.write(bytes) ?? 0);
    if (sent < bytes.length) this.#unsent.push(bytes.subarray(sent));
  }

  #end({ code, reason, failure }: End): void {
    if (this.#phase === 'ended') return;
    this.#leave();
    if (failure !== undefined) {
      this.#events.failed({ ...failure, message: withoutSecrets(failure.message) });
    }
    this.#events.closed(code, reason);
  }

  #leave(): void {
    this.#phase = 'ended';
    this.#reader.stop();
    this.#unsent = [];
    this.#pong = undefined;
  }
}

/**
 * Bun hands what a handler throws to `error`, where it would pass for a failure of the connection:
 * it is none, and ends the program as a fault anywhere else does.
 */
const aloud =
  <A extends readonly unknown[]>(handler: (...args: A) => void) =>
  (...args: A): void => {
    try {
      handler(...args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };

const plain: SocketHandler<DirectSocket> = {
  open: aloud((tcp: Tcp<DirectSocket>) => {
    tcp.data.connected(tcp);
    tcp.data.trusted();
  }),
  data: aloud((tcp: Tcp<DirectSocket>, bytes: Buffer) => tcp.data.received(bytes)),
  drain: aloud((tcp: Tcp<DirectSocket>) => tcp.data.drained()),
  close: aloud((tcp: Tcp<DirectSocket>, error?: Error) => tcp.data.disconnected(error?.message)),
  error: aloud((tcp: Tcp<DirectSocket>, error: Error) => {
    tcp.data.disconnected(error.message);
    tcp.terminate();
  }),
};

const encrypted: SocketHandler<DirectSocket> = {
  ...plain,
  open: aloud((tcp: Tcp<DirectSocket>) => tcp.data.connected(tcp)),
  handshake: aloud((tcp: Tcp<DirectSocket>, isTrusted: boolean, error: Error | null) => {
    if (isTrusted && error === null) {
      tcp.data.trusted();
      return;
    }
    tcp.data.distrusted(error?.message ?? 'the certificate is not to be trusted');
    tcp.terminate();
  }),
  error: aloud((tcp: Tcp<DirectSocket>, error: Error) => {
    tcp.data.distrusted(error.message);
    tcp.terminate();
  }),
};

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
};
