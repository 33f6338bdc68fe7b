import type { TrueQuote, TrueTrade } from './market.ts';
import type { Parcel } from './peer.ts';
import type { Delivery } from './process/custody.ts';

/** One of the times that the program was given something and had to take it. */
export type Copy = { readonly receivedAt: number; readonly delivery: Delivery };

/** In the order in which they came. */
export type HeardTrade = { readonly trade: TrueTrade; readonly copies: Copy[] };
export type HeardQuote = { readonly quote: TrueQuote } & Copy;

export type Rules = {
  readonly maxAgeMs: number;
  readonly maxAheadMs: number;
  readonly quotesHaveTimes: boolean;
  readonly largestFrame: number;
};

/**
 * What the program was given, noted where the connections hand it over: the model's only knowledge
 * of a run, beside what became of it when a process ended.
 */
export class Witness {
  frames = 0;
  readonly trades = new Map<string, Map<number, HeardTrade>>();
  readonly quotes = new Map<string, HeardQuote[]>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  hears(parcel: Parcel, now: number, delivery: Delivery): void {
    this.frames += 1;
    if (parcel.text.length > this.#rules.largestFrame) return;
    for (const trade of parcel.trades) this.#trade(trade, now, delivery);
    for (const quote of parcel.quotes) {
      if (this.#rules.quotesHaveTimes && this.#isAhead(quote.micros, now)) continue;
      const heard = this.quotes.get(quote.symbol) ?? [];
      heard.push({ quote, receivedAt: now, delivery });
      this.quotes.set(quote.symbol, heard);
    }
  }

  /** Stale when it came. */
  isStale(trade: TrueTrade, receivedAt: number): boolean {
    return trade.micros < receivedAt - this.#rules.maxAgeMs * 1000;
  }

  /**
   * Of the trades of `symbol` that were surely taken in, the first that was neither too far ahead
   * nor stale: from there on ids are followed.
   */
  first(symbol: string): number | undefined {
    let first: { readonly id: number; readonly at: number } | undefined;
    for (const { trade, copies } of this.trades.get(symbol)?.values() ?? []) {
      const at = copies.find(({ delivery }) => delivery.fate === 'kept')?.receivedAt;
      if (at === undefined || at >= (first?.at ?? Infinity) || this.isStale(trade, at)) continue;
      first = { id: trade.id, at };
    }
    return first?.id;
  }

  #trade(trade: TrueTrade, receivedAt: number, delivery: Delivery): void {
    if (this.#isAhead(trade.micros, receivedAt)) return;
    const heard = this.trades.get(trade.symbol) ?? new Map<number, HeardTrade>();
    this.trades.set(trade.symbol, heard);
    const known = heard.get(trade.id) ?? { trade, copies: [] };
    heard.set(trade.id, known);
    known.copies.push({ receivedAt, delivery });
  }

  #isAhead(micros: number, now: number): boolean {
    return micros > now + this.#rules.maxAheadMs * 1000;
  }
}
