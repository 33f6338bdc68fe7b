import type {
  Classified,
  ConnectionPlan,
  SubscribeFrame,
  Subscription,
  Venue,
  VenueFacts,
} from '../../src/venues/venue.ts';

/**
 * A venue that speaks as little as a venue can, so that tests of the connection are about nothing else:
 * `{"subscribe":[…],"id":"…"}` is answered by `{"ack":"…"}`, `{"refused":"…"}`, both with optional `symbols`, or not at all;
 * data is `{"d":…}`, a heartbeat `{"hb":1}`.
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
    ...facts,
  };
  return {
    id: 'plain',
    facts: all,
    plan: (wish) => planFor(wish, all.maxSymbolsPerConnection, symbolsPerFrame),
    classify,
    decode: () => 'control',
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

type Message = {
  readonly d?: unknown;
  readonly hb?: unknown;
  readonly ack?: string;
  readonly refused?: string;
  readonly symbols?: readonly string[];
};

const classify = (frame: string): Classified => {
  if (!frame.startsWith('{')) return { kind: 'unknown' };
  const message: Message = JSON.parse(frame);
  const symbols = message.symbols ?? [];
  if (message.d !== undefined) return { kind: 'data' };
  if (message.hb !== undefined) return { kind: 'heartbeat' };
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
      const { subscribe, id }: { subscribe: string[]; id: string } = JSON.parse(await peer.next());
      const isBad = subscribe.some((symbol) => bad.includes(symbol));
      peer.send(JSON.stringify(isBad ? { refused: id } : { ack: id }));
    }
  };
  void answer();
};
