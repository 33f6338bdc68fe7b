import type { ReceiveTime } from '../market/time.ts';
import { receiveTime } from '../market/time.ts';
import { MICROS_PER_MS } from './instants.ts';
import { must } from './json.ts';

/**
 * How far ageing may be behind what was heard: a silent connection is heard once a second, by the
 * pong to our ping, and ages by the ticks between. What a stall swallowed beyond it is never made
 * up.
 */
const MAX_BEHIND_MS = 1250;

export const maxBehind = MAX_BEHIND_MS * MICROS_PER_MS;

/**
 * Who is listening to what: the live connections of each source, and the symbols each of them
 * brings. A symbol is covered while at least one live connection brings it, so that one of two
 * twins, or a connection replaced in time, can go without a hole.
 */
export type Connection = {
  readonly feed: Feed;
  readonly number: number;
  /**
   * Virtual microseconds that the quiet instruments of this connection have aged. See
   * `lateness.ts`.
   */
  aged: number;
  /** The receive time up to which they have. */
  agedTo: number;
  live: boolean;
};

/** What a source has told about its connections. */
export type Feed = {
  readonly source: string;
  readonly connections: Map<number, Connection>;
  readonly subscriptions: Map<string, Subscription>;
};

/**
 * The live connections that bring a symbol, each with its virtual time when it began to; none: the
 * symbol is not covered.
 */
export type Subscription = Map<Connection, number>;

export type FeedJson = {
  readonly source: string;
  readonly connections: readonly {
    readonly number: number;
    readonly aged: number;
    readonly agedTo: number;
  }[];
  readonly subscriptions: readonly {
    readonly symbol: string;
    /** Numbers of the connections, each with its virtual time when it began to bring the symbol. */
    readonly connections: readonly (readonly [number: number, since: number])[];
  }[];
};

/** The name of a live connection. */
export type ConnectionJson = { readonly source: string; readonly number: number };

export function createFeed(source: string): Feed {
  return { source, connections: new Map(), subscriptions: new Map() };
}

/**
 * A connection from `at` on. One of this number that is still live must have been closed before.
 */
export function openConnection(feed: Feed, number: number, at: ReceiveTime): Connection {
  const connection: Connection = { feed, number, aged: 0, agedTo: at, live: true };
  feed.connections.set(number, connection);
  return connection;
}

/** Virtual time of the connection at `at`: what its ticks will have brought when they are there. */
export function agedAt(connection: Connection, at: ReceiveTime): number {
  return connection.aged + Math.min(maxBehind, Math.max(0, at - connection.agedTo));
}

/**
 * `symbol` comes on `connection` from `at` on, if it did not before. Returns how long it has, in
 * virtual time: while the process was stalled nothing was heard.
 */
export function cover(connection: Connection, symbol: string, at: ReceiveTime): number {
  const { subscriptions } = connection.feed;
  const now = agedAt(connection, at);
  const subscription = subscriptions.get(symbol);
  const since = subscription?.get(connection);
  if (since !== undefined) return now - since;
  if (subscription === undefined) subscriptions.set(symbol, new Map([[connection, now]]));
  else subscription.set(connection, now);
  return 0;
}

/**
 * `symbol` no longer comes on `connection`. True when nobody brings it any more, and someone did.
 */
export function uncover(connection: Connection, symbol: string): boolean {
  const subscription = connection.feed.subscriptions.get(symbol);
  return subscription !== undefined && subscription.delete(connection) && subscription.size === 0;
}

/** The connection is gone. Returns the symbols that nobody brings any more. */
export function closeConnection(connection: Connection): ReadonlySet<string> {
  const { feed } = connection;
  connection.live = false;
  feed.connections.delete(connection.number);
  const lost = new Set<string>();
  for (const symbol of feed.subscriptions.keys()) {
    if (uncover(connection, symbol)) lost.add(symbol);
  }
  return lost;
}

export function saveFeed(feed: Feed): FeedJson {
  return {
    source: feed.source,
    connections: [...feed.connections.values()].map(({ number, aged, agedTo }) => ({
      number,
      aged,
      agedTo,
    })),
    subscriptions: [...feed.subscriptions].map(([symbol, subscription]) => ({
      symbol,
      connections: [...subscription].map(([{ number }, since]) => [number, since] as const),
    })),
  };
}

export function loadFeed(json: FeedJson): Feed {
  const feed = createFeed(json.source);
  for (const { number, aged, agedTo } of json.connections) {
    openConnection(feed, number, receiveTime(agedTo)).aged = aged;
  }
  for (const { symbol, connections } of json.subscriptions) {
    const subscription: Subscription = new Map();
    for (const [number, since] of connections) {
      subscription.set(must(feed.connections.get(number)), since);
    }
    feed.subscriptions.set(symbol, subscription);
  }
  return feed;
}

/** null for a connection that is gone: whoever still names it only needs to know that. */
export function saveConnection(connection: Connection | undefined): ConnectionJson | null {
  if (connection?.live !== true) return null;
  return { source: connection.feed.source, number: connection.number };
}

export function loadConnection(
  json: ConnectionJson | null,
  feeds: ReadonlyMap<string, Feed>,
): Connection | undefined {
  if (json === null) return undefined;
  return must(feeds.get(json.source)?.connections.get(json.number));
}
