import type { TrueQuote, TrueTrade } from '../market.ts';

export type Stream = 'trades' | 'quotes';

/** A subscribe frame, read: which streams of which symbols, and what an answer has to repeat. */
export type Request = {
  readonly id: string;
  readonly wanted: readonly { readonly stream: Stream; readonly symbol: string }[];
};

/**
 * How a venue writes: the counterpart of its folder in `src/venues`, made from the venue's
 * documentation and sharing no line with it.
 */
export type Dialect = {
  readonly symbols: readonly [string, ...string[]];
  /** No venue has it. */
  readonly badSymbol: string;
  /** A bad name: acknowledged all the same, takes its whole frame down, or is refused alone. */
  readonly badNames: 'ignored' | 'refuse_all' | 'refuse_one';
  /** Event times are cut to this many microseconds. */
  readonly grainUs: number;
  readonly quotesHaveIds: boolean;
  readonly quotesHaveTimes: boolean;
  /** How many of the last trades a new subscription brings by itself. */
  readonly replays: number;
  trade(trade: TrueTrade): string;
  quote(quote: TrueQuote): string;
  /** The last trades of a symbol, as a subscription brings them. */
  replay(trades: readonly TrueTrade[]): readonly string[];
  /** Once a second; undefined where the venue pings instead. */
  heartbeat(last: TrueTrade | undefined): string | undefined;
  read(text: string): Request;
  accept(request: Request): readonly string[];
  refuse(request: Request, bad: string): readonly string[];
};

export const timeText = (micros: number): string => {
  const below = String(micros % 1_000_000).padStart(6, '0');
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19)}.${below}Z`;
};
