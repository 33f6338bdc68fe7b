/**
 * A local Binance that plays numbered trades of several instruments as fast as its client reads.
 * What it has sent is sent: a client that was killed meets the next trades, and what stood in its
 * socket is the hole that only the ids tell of.
 */
import type { ServerWebSocket } from 'bun';
import { binanceAck } from '../e2e/feed.ts';

export const SYMBOLS = ['AAAUSDT', 'BBBUSDT', 'CCCUSDT', 'DDDUSDT', 'EEEUSDT'];

export type Tape = {
  readonly url: string;
  /** Frames sent so far; frame `n` is trade `idOf(n)` of `symbolOf(n)`. */
  readonly sent: number;
  /** The first frame of every connection that was subscribed, in order. */
  readonly starts: readonly number[];
  /** Resolves when every frame before number `frames` has been sent. */
  readonly played: Promise<void>;
  stop(): Promise<void>;
};

export type TapeOptions = {
  readonly frames: number;
  /** Frames a second; undefined = as fast as they are read. */
  readonly rate?: number | undefined;
  /** The first frame; default 0. */
  readonly from?: number;
  /** When frame `n` happened, in ms since the epoch; default: when it is sent. */
  readonly timeOf?: (frame: number) => number;
};

export const symbolOf = (frame: number): string => SYMBOLS[frame % SYMBOLS.length] ?? '';
export const idOf = (frame: number): number => Math.floor(frame / SYMBOLS.length) + 1;

/**
 * A ping follows so many frames, and so many pings may lack their pong: what a client that is
 * killed had not read from its socket is bounded by that, and not by what the kernel holds.
 */
const PER_PING = 512;
const MOST_PINGS = 6;

/** Ids of one instrument that a killed client can have left unread, or read and not yet written. */
export const MOST_MISSING = ((MOST_PINGS + 2) * PER_PING + 10_000) / SYMBOLS.length;

/** Everything of one client: `unread` pings have no pong yet. */
type Client = { unread: number; answered: () => void };

export const startTape = (options: TapeOptions): Tape => {
  const { frames, rate, from: first = 0, timeOf = () => Date.now() } = options;
  const played = Promise.withResolvers<void>();
  const starts: number[] = [];
  let sent = first;
  const play = async (socket: ServerWebSocket<Client>): Promise<void> => {
    starts.push(sent);
    const from = sent;
    const began = performance.now();
    while (sent < frames && socket.readyState === WebSocket.OPEN) {
      const due = from + ((performance.now() - began) / 1000) * (rate ?? Number.POSITIVE_INFINITY);
      const until = Math.min(frames, sent + PER_PING, Math.max(sent, Math.floor(due)));
      while (sent < until) {
        socket.send(frameOf(sent, timeOf(sent)));
        sent += 1;
      }
      await answered(socket);
      if (rate !== undefined) await Bun.sleep(2);
    }
    if (sent >= frames) played.resolve();
  };
  const server = Bun.serve<Client>({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, bun) =>
      bun.upgrade(request, { data: { unread: 0, answered: () => undefined } })
        ? undefined
        : new Response('a WebSocket is expected', { status: 400 }),
    websocket: {
      backpressureLimit: 64 * 1024 * 1024,
      message: (socket, message) => {
        socket.send(binanceAck(message.toString()) ?? '');
        play(socket).catch(played.reject);
      },
      pong: ({ data }) => {
        data.unread -= 1;
        data.answered();
      },
      close: ({ data }) => data.answered(),
    },
  });
  return {
    url: `ws://127.0.0.1:${server.port}`,
    get sent() {
      return sent;
    },
    starts,
    played: played.promise,
    stop: () => server.stop(true),
  };
};

/** Asks the client how far it has read; waits where it is too far behind. */
const answered = async (socket: ServerWebSocket<Client>): Promise<void> => {
  socket.ping();
  socket.data.unread += 1;
  while (socket.data.unread > MOST_PINGS && socket.readyState === WebSocket.OPEN) {
    await new Promise<void>((resolve) => {
      socket.data.answered = resolve;
    });
  }
};

/** Prices end in a digit that is not 0, so that every bar has the same finest scale. */
const frameOf = (frame: number, at: number): string => {
  const symbol = symbolOf(frame);
  const mixed = (frame * 2_654_435_761) % 100_003;
  const price = `${100 + (mixed % 700)}.${mixed % 10}${1 + (mixed % 9)}`;
  const size = `0.${String(1 + (mixed % 99_999)).padStart(5, '0')}`;
  return (
    `{"stream":"${symbol.toLowerCase()}@trade","data":{"e":"trade","E":${at},"s":"${symbol}",` +
    `"t":${idOf(frame)},"p":"${price}","q":"${size}","T":${at},"m":${mixed % 2 === 0}}}`
  );
};
