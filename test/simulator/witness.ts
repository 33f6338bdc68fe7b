import type { TrueQuote, TrueTrade } from './market.ts';
import type { Parcel } from './peer.ts';

/** The first copy of a trade that the program was given and had to take. */
export type HeardTrade = { readonly trade: TrueTrade; readonly receivedAt: number };
export type HeardQuote = { readonly quote: TrueQuote; readonly receivedAt: number };

export type Rules = {
  readonly maxAgeMs: number;
  readonly maxAheadMs: number;
  readonly quotesHaveTimes: boolean;
  readonly largestFrame: number;
};

/**
 * What the program was given, noted where the connections hand it over: the model's only knowledge
 * of a run.
 */
export class Witness {
  frames = 0;
  readonly trades = new Map<string, Map<number, HeardTrade>>();
  readonly quotes = new Map<string, HeardQuote[]>();
  /**
   * Per symbol, the first trade that was neither too far ahead nor stale: from there on ids are
   * followed.
   */
  readonly first = new Map<string, number>();
  /** Per symbol, the highest id. */
  readonly last = new Map<string, number>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  hears(parcel: Parcel, now: number): void {
    this.frames += 1;
    if (parcel.text.length > this.#rules.largestFrame) return;
    for (const trade of parcel.trades) this.#trade(trade, now);
    for (const quote of parcel.quotes) {
      if (this.#rules.quotesHaveTimes && this.#isAhead(quote.micros, now)) continue;
      const heard = this.quotes.get(quote.symbol) ?? [];
      heard.push({ quote, receivedAt: now });
      this.quotes.set(quote.symbol, heard);
    }
  }

  /** Stale when it came. */
  isStale({ trade, receivedAt }: HeardTrade): boolean {
    return trade.micros < receivedAt - this.#rules.maxAgeMs * 1000;
  }

  #trade(trade: TrueTrade, now: number): void {
    if (this.#isAhead(trade.micros, now)) return;
    const heard = this.trades.get(trade.symbol) ?? new Map<number, HeardTrade>();
    this.trades.set(trade.symbol, heard);
    if (heard.has(trade.id)) return;
    const entry = { trade, receivedAt: now };
    heard.set(trade.id, entry);
    this.last.set(trade.symbol, Math.max(trade.id, this.last.get(trade.symbol) ?? 0));
    if (!this.first.has(trade.symbol) && !this.isStale(entry)) {
      this.first.set(trade.symbol, trade.id);
    }
  }

  #isAhead(micros: number, now: number): boolean {
    return micros > now + this.#rules.maxAheadMs * 1000;
  }
}
