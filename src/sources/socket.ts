import { withoutSecrets } from '../runtime/without-secrets.ts';

/**
 * A WebSocket as the sources need it: told what happens through `SocketEvents`, held by the caller.
 * `openBunSocket` is Bun's own client; a test or a simulator passes another opener.
 */
export interface Socket {
  send(text: string): void;
  /** `payload` comes back with its answer; up to 125 bytes. */
  ping(payload?: string): void;
  pong(): void;
  /**
   * Stops reading; a few frames that were already decoded may still come. While paused no ping is
   * answered.
   */
  pause(): void;
  resume(): void;
  /** Asks the other side to close. No frame is delivered afterwards. */
  close(): void;
  /** Cuts the connection at once, also while it is being opened. */
  terminate(): void;
}

export interface SocketEvents {
  opened(): void;
  message(data: string | Buffer): void;
  pinged(): void;
  /** The answer to a ping of ours, behind everything that was sent before it. */
  ponged(payload: string): void;
  /** Could not be opened, or broke; `closed` follows. */
  failed(message: string): void;
  /** 1006: without a close frame. */
  closed(code: number, reason: string): void;
}

export type SocketOptions = {
  readonly compression: boolean;
  /** http:// or https:// address of a proxy to go through. */
  readonly proxy: string | undefined;
  /** Certificates in PEM to trust instead of the system's. */
  readonly ca: string | undefined;
};

/** Begins to open; everything else, failures too, comes as an event, never before this returns. */
export type OpenSocket = (url: string, options: SocketOptions, events: SocketEvents) => Socket;

export const openBunSocket: OpenSocket = (url, options, events) => {
  const { compression, proxy, ca } = options;
  const socket = new WebSocket(url, {
    perMessageDeflate: compression,
    ...(proxy === undefined ? {} : { proxy }),
    ...(ca === undefined ? {} : { tls: { ca } }),
  });
  socket.binaryType = 'nodebuffer';
  socket.addEventListener('open', () => events.opened());
  socket.addEventListener('message', (event: MessageEvent<string | Buffer>) =>
    events.message(event.data),
  );
  socket.addEventListener('ping', () => events.pinged());
  socket.addEventListener('pong', (event: MessageEvent<Buffer>) =>
    events.ponged(event.data.toString()),
  );
  socket.addEventListener('error', (event) => events.failed(messageOf(event)));
  socket.addEventListener('close', (event) =>
    events.closed(event.code, withoutSecrets(event.reason)),
  );
  return socket;
};

const messageOf = (event: Event): string =>
  'message' in event && typeof event.message === 'string'
    ? withoutSecrets(event.message)
    : 'unknown error';

/*
 * What Bun's client says nowhere but in the words of a failure: the one place in the program where
 * the text of a message decides (Bun 1.4.5, probed 2026-11-23).
 */

/** The status of a refused upgrade, else undefined. */
export const refusedStatus = (failure: string): number | undefined => {
  const status = /Expected 101 status code: (\d{3})\b/.exec(failure)?.[1];
  return status === undefined ? undefined : Number(status);
};

/** Whether a message was above what the client itself takes: 128 MiB. It was cut off unread. */
export const wasTooBig = (failure: string): boolean => failure.endsWith('Message too big');
