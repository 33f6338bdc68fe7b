import type { Quote, Trade } from '../market/events.ts';
import type { Frame } from '../market/frame.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Integer } from '../market/integer.ts';
import type { ReceiveTime } from '../market/time.ts';

/**
 * The venue contract: what one exchange speaks, and nothing else. Pure: no I/O, no clock, no state
 * between calls. A new venue is its own folder and one line in `registry.ts`.
 */
export interface Venue {
  readonly id: string;
  readonly facts: VenueFacts;
  /**
   * How to hear `symbols`: one entry a connection, within the venue's limits. Throws `config` for
   * impossible wishes.
   */
  plan(wish: Subscription): readonly ConnectionPlan[];
  /**
   * What a frame means for the connection it came on. Looks only as far as it must; never throws.
   */
  classify(frame: string): Classified;
  /**
   * A frame's market events, in wire order, to `emit`. Returns `data`, `control` (acknowledgement,
   * heartbeat, status, error, or a message type that we know and do not take), or why it could not
   * be read. Never throws on any input.
   */
  decode(frame: string, context: DecodeContext, emit: Emit): DecodeOutcome;
  /**
   * The hot path of `decode`: takes a frame of the shapes that make up the load, straight from its
   * bytes, and emits exactly what `decode` would emit for its text, when it would say `data`. False
   * at the first byte that it does not expect: then nothing was emitted, and `decode` decides.
   * Never throws. Keeps nothing of `frame`.
   */
  scan(frame: Frame, context: ScanContext, emit: Emit): boolean;
}

export type VenueFacts = {
  /**
   * contiguous: each trade id is the one before + 1, per instrument. increasing: greater.
   * unordered: unique only.
   */
  readonly tradeIds: 'contiguous' | 'increasing' | 'unordered' | 'none';
  /** Whether quotes carry an update id of the venue that rises with every update. */
  readonly quoteIds: boolean;
  /** The venue cuts a connection at this age, in ms; undefined where it documents none. */
  readonly maxConnectionAgeMs: number | undefined;
  readonly maxSymbolsPerConnection: number;
  /** Control frames we may send per second, per connection. */
  readonly maxSendsPerSecond: number;
  /** New connections we may open per minute. */
  readonly maxConnectsPerMinute: number;
  /**
   * Whether the venue confirms or refuses each symbol by name (else a symbol counts as subscribed
   * by its list's ack).
   */
  readonly confirmsPerSymbol: boolean;
  /**
   * Whether the venue acknowledges names that do not exist too: then only its data show that a
   * symbol is one.
   */
  readonly acksUnknownNames: boolean;
};

export type Channel = 'trades' | 'quotes';

export type Subscription = {
  readonly symbols: readonly string[];
  readonly channels: readonly Channel[];
  /** Overrides the venue's address. */
  readonly url: string | undefined;
  /** `aggTrade` for aggregate trades where the venue has them. */
  readonly trades: 'trade' | 'aggTrade';
};

export type ConnectionPlan = {
  readonly url: string;
  readonly symbols: readonly string[];
  /** Sent in this order after the socket opened, paced by `maxSendsPerSecond`. */
  readonly subscribe: readonly SubscribeFrame[];
};

export type SubscribeFrame = {
  readonly text: string;
  readonly symbols: readonly string[];
  readonly id: string;
};

/** The last trade of a symbol, as a frame names it. */
export type LastTrade = { readonly symbol: string; readonly id: Integer };

/**
 * `ack` and `refused` answer the subscribe frame `id` (empty where the venue does not repeat it)
 * for `symbols`. A heartbeat may name the last trade of a symbol: a channel that does not deliver
 * it is mute. At a venue where it does, data name the last trade that they hold or follow.
 */
export type Classified =
  | { readonly kind: 'control' | 'unknown' }
  | { readonly kind: 'data'; readonly channel: Channel; readonly lastTrade?: LastTrade }
  | { readonly kind: 'heartbeat'; readonly lastTrade?: LastTrade }
  | {
      readonly kind: 'ack' | 'refused';
      readonly id: string;
      readonly symbols: readonly string[];
      readonly reason: string;
    };

/** What a frame of a channel means that names no last trade. */
export const dataOf: Readonly<Record<Channel, Classified>> = {
  trades: { kind: 'data', channel: 'trades' },
  quotes: { kind: 'data', channel: 'quotes' },
};

export interface DecodeContext {
  readonly receiveTime: ReceiveTime;
  /** The interned instrument of this frame's venue. */
  instrument(symbol: string): Instrument;
  /**
   * A number that no other row of this process, or of a replay of the same input, has. For venues
   * without ids.
   */
  position(): Integer;
}

export interface ScanContext extends DecodeContext {
  /** The instrument with this symbol, in UTF-8, if `instrument` has given it before. */
  known(bytes: Uint8Array, from: number, to: number): Instrument | undefined;
}

/** Why a row inside a readable frame cannot be taken. */
export type RejectReason = (typeof rejectReasons)[number];

export const rejectReasons = [
  'missing_field',
  'bad_number',
  'bad_time',
  'bad_id',
  'bad_side',
  'bad_symbol',
] as const;

export interface Emit {
  trade(trade: Trade): void;
  quote(quote: Quote): void;
  /** One row of the frame is bad; the others are still taken. */
  reject(kind: 'trade' | 'quote', reason: RejectReason): void;
}

/**
 * `unknown_type`: well-formed, but of a type that the venue did not document when this was written.
 */
export type UndecodableReason = (typeof undecodableReasons)[number];

export const undecodableReasons = [
  'empty',
  'not_json',
  'not_object',
  'too_deep',
  'unknown_type',
  'malformed',
  'exception',
] as const;

export type DecodeOutcome = 'data' | 'control' | UndecodableReason;
