import type { ReceiveTime } from '../market/time.ts';
import { receiveTime } from '../market/time.ts';
import { must } from './json.ts';

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

export type Subscription = {
  /** Receive time from which the symbol has been covered without a break. */
  since: ReceiveTime;
  /** The live connections that bring it; none: it is not covered. */
  readonly connections: Set<Connection>;
};

export type FeedJson = {
  readonly source: string;
  readonly connections: readonly {
    readonly number: number;
    readonly aged: number;
    readonly agedTo: number;
  }[];
  readonly subscriptions: readonly {
    readonly symbol: string;
    readonly since: number;
    readonly connections: readonly number[];
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

/** `symbol` comes on `connection` from `at` on, if it did not before. */
export function cover(connection: Connection, symbol: string, at: ReceiveTime): Subscription {
  const { subscriptions } = connection.feed;
  let subscription = subscriptions.get(symbol);
  if (subscription === undefined) {
    subscription = { since: at, connections: new Set() };
    subscriptions.set(symbol, subscription);
  }
  if (subscription.connections.size === 0) subscription.since = at;
  subscription.connections.add(connection);
  return subscription;
}

/**
 * `symbol` no longer comes on `connection`. True when nobody brings it any more, and someone did.
 */
export function uncover(connection: Connection, symbol: string): boolean {
  const connections = connection.feed.subscriptions.get(symbol)?.connections;
  return connections !== undefined && connections.delete(connection) && connections.size === 0;
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
    subscriptions: [...feed.subscriptions].map(([symbol, { since, connections }]) => ({
      symbol,
      since,
      connections: [...connections].map(({ number }) => number),
    })),
  };
}

export function loadFeed(json: FeedJson): Feed {
  const feed = createFeed(json.source);
  for (const { number, aged, agedTo } of json.connections) {
    openConnection(feed, number, receiveTime(agedTo)).aged = aged;
  }
  for (const { symbol, since, connections } of json.subscriptions) {
    const live = connections.flatMap((number) => feed.connections.get(number) ?? []);
    feed.subscriptions.set(symbol, { since: receiveTime(since), connections: new Set(live) });
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
