/**
 * A local venue over real WebSockets that answers subscriptions and plays frames to whoever
 * subscribes.
 */
import type { ServerWebSocket } from 'bun';

export type Feed = {
  /** ws:// address without a path. */
  readonly url: string;
  /** Resolves when every frame has been handed to a subscribed client's socket. */
  readonly played: Promise<void>;
  /** Plays further frames to everyone who is connected. */
  send(frames: readonly string[]): Promise<void>;
  stop(): Promise<void>;
};

export type FeedOptions = {
  readonly frames: readonly string[];
  /** Answers one subscribe frame; undefined = no answer. */
  readonly acknowledge: (request: string) => string | undefined;
};

/** Bytes that may wait in a client's socket before the feed pauses. */
const HIGH_WATER = 1024 * 1024;

export const startFeed = ({ frames, acknowledge }: FeedOptions): Feed => {
  const clients = new Set<ServerWebSocket>();
  const played = Promise.withResolvers<void>();
  let begun = false;
  const begin = async (socket: ServerWebSocket): Promise<void> => {
    await play(socket, frames);
    played.resolve();
  };
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, bun) =>
      bun.upgrade(request) ? undefined : new Response('a WebSocket is expected', { status: 400 }),
    websocket: {
      maxPayloadLength: 16 * 1024 * 1024,
      backpressureLimit: 64 * 1024 * 1024,
      open: (socket: ServerWebSocket) => void clients.add(socket),
      close: (socket) => void clients.delete(socket),
      message: (socket, message) => {
        const answer = acknowledge(message.toString());
        if (answer !== undefined) socket.send(answer);
        if (begun) return;
        begun = true;
        begin(socket).catch(played.reject);
      },
    },
  });
  return {
    url: `ws://127.0.0.1:${server.port}`,
    played: played.promise,
    send: async (more) => {
      await Promise.all([...clients].map((socket) => play(socket, more)));
    },
    stop: () => server.stop(true),
  };
};

const play = async (socket: ServerWebSocket, frames: readonly string[]): Promise<void> => {
  for (const frame of frames) {
    socket.send(frame);
    while (socket.getBufferedAmount() > HIGH_WATER) await Bun.sleep(1);
  }
};

/** Binance's answer to SUBSCRIBE. */
export const binanceAck = (request: string): string => {
  const id = /"id":(\d+|"[^"]*")/.exec(request)?.[1] ?? 'null';
  return `{"result":null,"id":${id}}`;
};
