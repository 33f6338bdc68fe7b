/** One connection: the bytes of a client, and what came back until there is no more to come. */
import { connect, type Socket } from 'node:net';
import type { Payload } from './payloads.ts';

export type Exchange = {
  /** Everything that the server sent, byte for byte. */
  readonly answer: string;
  /** Whether it closed the connection before we did. */
  readonly isClosed: boolean;
};

/** What is no whole request may wait for more: it is not waited with for longer than this. */
const PATIENCE_MS = 25;

/**
 * Waits for the answer to a whole request at most `deadlineMs`. Never rejects: a connection that
 * breaks is an answer too.
 */
export const exchanged = async (
  port: number,
  payload: Payload,
  deadlineMs: number,
): Promise<Exchange> => {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let answer = '';
  let isClosed = false;
  let heard: (() => void) | undefined;
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString('latin1');
    heard?.();
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      resolve();
    });
  });
  socket.on('error', () => undefined);
  await sent(socket, payload);
  for (;;) {
    const more = new Promise<boolean>((resolve) => {
      heard = () => resolve(true);
    });
    const patience = payload.isWhole ? deadlineMs : PATIENCE_MS;
    const isMore = await Promise.race([more, closed.then(() => false), waited(patience)]);
    if (!isMore) break;
  }
  const exchange = { answer, isClosed };
  socket.destroy();
  await closed;
  return exchange;
};

const sent = async (socket: Socket, { bytes, pieces }: Payload): Promise<void> => {
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.subarray(at, at + size));
    if (pieces > 1) await Bun.sleep(0);
  }
};

const waited = async (ms: number): Promise<false> => {
  await Bun.sleep(ms);
  return false;
};
