/**
 * A local Binance that trades all the time: each symbol has ids of its own, and a connection gets
 * the trades of what it subscribed to, from then on.
 */
import type { ServerWebSocket } from 'bun';
import * as v from 'valibot';

export type Market = {
  readonly url: string;
  /** Greatest trade id of the symbol so far. */
  last(symbol: string): number;
  /** Connections that hear the symbol now. */
  listeners(symbol: string): number;
  /** Connections opened so far. */
  readonly opened: number;
  /** No further trades. */
  quiet(): void;
  stop(): Promise<void>;
};

type Client = { readonly streams: Set<string> };

const EVERY_MS = 4;

const request = v.object({ params: v.array(v.string()), id: v.number() });

export const startMarket = (symbols: readonly string[]): Market => {
  const clients = new Set<ServerWebSocket<Client>>();
  const last = new Map(symbols.map((symbol) => [symbol, 0]));
  let opened = 0;
  const server = Bun.serve<Client>({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (upgrade, bun) =>
      bun.upgrade(upgrade, { data: { streams: new Set<string>() } })
        ? undefined
        : new Response('a WebSocket is expected', { status: 400 }),
    websocket: {
      open: (socket) => {
        opened += 1;
        clients.add(socket);
      },
      close: (socket) => void clients.delete(socket),
      message: (socket, message) => {
        const { id, params } = v.parse(request, JSON.parse(message.toString()));
        for (const stream of params) socket.data.streams.add(stream);
        socket.send(`{"result":null,"id":${id}}`);
      },
    },
  });
  const trade = (): void => {
    for (const [symbol, before] of last) {
      const frame = tradeFrame(symbol, before + 1);
      last.set(symbol, before + 1);
      const stream = streamOf(symbol);
      for (const socket of clients) if (socket.data.streams.has(stream)) socket.send(frame);
    }
  };
  const trading = setInterval(trade, EVERY_MS);
  return {
    url: `ws://127.0.0.1:${server.port}`,
    last: (symbol) => last.get(symbol) ?? 0,
    listeners: (symbol) =>
      [...clients].filter(({ data }) => data.streams.has(streamOf(symbol))).length,
    get opened() {
      return opened;
    },
    quiet: () => clearInterval(trading),
    stop: () => {
      clearInterval(trading);
      return server.stop(true);
    },
  };
};

const streamOf = (symbol: string): string => `${symbol.toLowerCase()}@trade`;

const tradeFrame = (symbol: string, id: number): string => {
  const now = Date.now();
  const price = `${1000 + (id % 97)}.5`;
  const data = { e: 'trade', E: now, s: symbol, t: id, p: price, q: '0.01', T: now, m: false };
  return JSON.stringify({ stream: streamOf(symbol), data });
};
