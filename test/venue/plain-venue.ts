import * as v from 'valibot';
import type {
  Classified,
  ConnectionPlan,
  SubscribeFrame,
  Subscription,
  Venue,
  VenueFacts,
} from '../../src/venues/venue.ts';

/**
 * A venue that speaks as little as a venue can, so that tests of the connection are about nothing
 * else. `{"subscribe":[…],"id":"…"}` is answered by `{"ack":"…"}` or `{"refused":"…"}`, both with
 * optional `symbols`, or not at all; a trade is `{"d":…}`, a quote `{"q":…}`, a heartbeat
 * `{"hb":1}`, and each of these may name the `last` trade of symbol A.
 */
export const plainVenue = (
  facts: Partial<VenueFacts> = {},
  symbolsPerFrame = Number.MAX_SAFE_INTEGER,
): Venue => {
  const all: VenueFacts = {
    tradeIds: 'contiguous',
    quoteIds: false,
    maxConnectionAgeMs: undefined,
    maxSymbolsPerConnection: 1000,
    maxSendsPerSecond: 1000,
    maxConnectsPerMinute: 1000,
    confirmsPerSymbol: false,
    acksUnknownNames: false,
    ...facts,
  };
  return {
    id: 'plain',
    facts: all,
    plan: (wish) => planFor(wish, all.maxSymbolsPerConnection, symbolsPerFrame),
    classify,
    decode: () => 'control',
    scan: () => false,
  };
};

const planFor = (
  { symbols, url }: Subscription,
  perConnection: number,
  perFrame: number,
): readonly ConnectionPlan[] =>
  chunks(symbols, perConnection).map((own) => ({
    url: url ?? '',
    symbols: own,
    subscribe: chunks(own, perFrame).map(subscribeFrame),
  }));

const subscribeFrame = (symbols: readonly string[]): SubscribeFrame => {
  const id = symbols.join('+');
  return { id, symbols, text: JSON.stringify({ subscribe: symbols, id }) };
};

const chunks = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );

const messageSchema = v.object({
  d: v.optional(v.unknown()),
  q: v.optional(v.unknown()),
  last: v.optional(v.number()),
  hb: v.optional(v.unknown()),
  ack: v.optional(v.string()),
  refused: v.optional(v.string()),
  symbols: v.optional(v.array(v.string()), []),
});

const requestSchema = v.object({ subscribe: v.array(v.string()), id: v.string() });

/** A subscribe frame of this venue, read. */
export const readRequest = (text: string): v.InferOutput<typeof requestSchema> =>
  v.parse(requestSchema, JSON.parse(text));

/** The `d` of a data frame, where it is a number. */
export const dataOf = (text: string): number | undefined => {
  const { d } = v.parse(messageSchema, JSON.parse(text));
  return typeof d === 'number' ? d : undefined;
};

type LastTrade = { readonly lastTrade?: { readonly symbol: string; readonly id: number } };

const lastTrade = ({ last }: { readonly last?: number | undefined }): LastTrade =>
  last === undefined ? {} : { lastTrade: { symbol: 'A', id: last } };

const classify = (frame: string): Classified => {
  if (!frame.startsWith('{')) return { kind: 'unknown' };
  const message = v.parse(messageSchema, JSON.parse(frame));
  const { symbols } = message;
  if (message.d !== undefined) return { kind: 'data', channel: 'trades', ...lastTrade(message) };
  if (message.q !== undefined) return { kind: 'data', channel: 'quotes', ...lastTrade(message) };
  if (message.hb !== undefined) return { kind: 'heartbeat', ...lastTrade(message) };
  if (message.ack !== undefined) return { kind: 'ack', id: message.ack, symbols, reason: '' };
  if (message.refused === undefined) return { kind: 'unknown' };
  return { kind: 'refused', id: message.refused, symbols, reason: 'no such name' };
};

/** Answers every subscribe frame of this peer, those with a bad name by a refusal of the whole. */
export const answerAll = (
  peer: { next(): Promise<string>; send(text: string): void },
  bad: readonly string[] = [],
): void => {
  const answer = async (): Promise<never> => {
    for (;;) {
      const { subscribe, id } = readRequest(await peer.next());
      const isBad = subscribe.some((symbol) => bad.includes(symbol));
      peer.send(JSON.stringify(isBad ? { refused: id } : { ack: id }));
    }
  };
  void answer();
};
