/**
 * The server's end of WebSockets straight on TCP, so that hundreds of frames leave in one write.
 * Speaks what a well-behaved client needs: handshake, text, ping, close.
 * https://www.rfc-editor.org/rfc/rfc6455
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'bun';
import { wireFrame } from './reel.ts';

export type Peer = {
  /** How many of the bytes were taken; after fewer than all, `drain` says when to go on. */
  write(bytes: Uint8Array): number;
};

export type PeerEvents = {
  readonly text: (peer: Peer, text: string) => void;
  /** The answer is to be written between two frames. */
  readonly pinged: (peer: Peer, answer: Buffer) => void;
  readonly drain: (peer: Peer) => void;
  readonly closed: (peer: Peer) => void;
};

type State = { received: Buffer; open: boolean };

const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const opcodes = { text: 1, close: 8, ping: 9 } as const;

/** Listens on a free port of 127.0.0.1. */
export const listen = (events: PeerEvents) =>
  Bun.listen<State>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { received: Buffer.alloc(0), open: false };
      },
      data: (socket, chunk) => {
        socket.data.received = Buffer.concat([socket.data.received, chunk]);
        if (!socket.data.open) shakeHands(socket);
        if (socket.data.open) readFrames(socket, events);
      },
      drain: (socket) => events.drain(socket),
      close: (socket) => events.closed(socket),
    },
  });

const shakeHands = (socket: Socket<State>): void => {
  const end = socket.data.received.indexOf('\r\n\r\n');
  if (end < 0) return;
  const request = socket.data.received.toString('latin1', 0, end);
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? '';
  const accept = createHash('sha1')
    .update(key + acceptSuffix)
    .digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.data = { received: socket.data.received.subarray(end + 4), open: true };
};

const readFrames = (socket: Socket<State>, events: PeerEvents): void => {
  for (;;) {
    const frame = frameIn(socket.data.received);
    if (frame === undefined) return;
    socket.data.received = socket.data.received.subarray(frame.size);
    if (frame.opcode === opcodes.text) events.text(socket, frame.payload.toString());
    else if (frame.opcode === opcodes.ping) {
      events.pinged(socket, wireFrame(frame.payload.toString(), 0x8a));
    } else if (frame.opcode === opcodes.close) socket.end(wireFrame('', 0x88));
  }
};

type ClientFrame = { readonly opcode: number; readonly payload: Buffer; readonly size: number };

/** The first frame, unmasked; undefined while it is not whole. */
const frameIn = (bytes: Buffer): ClientFrame | undefined => {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const extra = short === 126 ? 2 : 0;
  if (short === 127) throw new Error('a client sent a frame of 64 KiB or more');
  if (bytes.length < 2 + extra + 4) return undefined;
  const length = extra === 0 ? short : bytes.readUInt16BE(2);
  const start = 2 + extra + 4;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + length));
  for (let at = 0; at < length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, size: start + length };
};
