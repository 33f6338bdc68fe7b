import type { Chance } from './random.ts';

/** A trade as it happened at the venue, in the venue's texts. Ids are contiguous per symbol. */
export type TrueTrade = {
  readonly symbol: string;
  readonly id: number;
  /** By the venue's clock. */
  readonly micros: number;
  readonly price: string;
  readonly size: string;
  readonly taker: 'buy' | 'sell';
};

/** The best prices after a change of them; `id` rises by one or more with each. */
export type TrueQuote = {
  readonly symbol: string;
  readonly id: number;
  readonly micros: number;
  readonly bid: string;
  readonly bidSize: string;
  readonly ask: string;
  readonly askSize: string;
};

type Book = {
  readonly trades: TrueTrade[];
  readonly firstId: number;
  price: number;
  quote: number;
};

/** Venues number from somewhere, but not from 1; far enough below 2^53. */
const HIGHEST_FIRST_ID = 4_000_000_000;

/**
 * What truly happened, whoever listened: the trades of every symbol since the beginning, and a walk
 * of its prices.
 */
export class Market {
  readonly symbols: readonly string[];
  readonly #books = new Map<string, Book>();
  readonly #chance: Chance;

  constructor(symbols: readonly string[], chance: Chance) {
    this.symbols = symbols;
    this.#chance = chance;
    for (const symbol of symbols) {
      const firstId = chance.integer(1, HIGHEST_FIRST_ID);
      const price = chance.integer(100, 10_000_000);
      this.#books.set(symbol, { trades: [], firstId, price, quote: firstId });
    }
  }

  /** The next trade of `symbol`, at `micros` of the venue's clock. */
  trade(symbol: string, micros: number): TrueTrade {
    const book = this.#book(symbol);
    const chance = this.#chance;
    book.price = Math.max(1, book.price + chance.integer(-3, 3));
    const trade: TrueTrade = {
      symbol,
      id: book.firstId + book.trades.length,
      micros,
      price: digits(book.price, 2),
      size: chance.happens(0.1)
        ? digits(chance.integer(1, 9), 8)
        : digits(chance.integer(1, 99_999), 4),
      taker: chance.happens(0.5) ? 'buy' : 'sell',
    };
    book.trades.push(trade);
    return trade;
  }

  quote(symbol: string, micros: number): TrueQuote {
    const book = this.#book(symbol);
    const chance = this.#chance;
    book.quote += chance.integer(1, 3);
    return {
      symbol,
      id: book.quote,
      micros,
      bid: digits(book.price, 2),
      bidSize: digits(chance.integer(1, 9_999), 3),
      ask: digits(book.price + chance.integer(1, 5), 2),
      askSize: digits(chance.integer(1, 9_999), 3),
    };
  }

  /** Every trade of `symbol` so far, by id. */
  trades(symbol: string): readonly TrueTrade[] {
    return this.#book(symbol).trades;
  }

  #book(symbol: string): Book {
    const book = this.#books.get(symbol);
    if (book === undefined) throw new Error(`the market has no ${symbol}`);
    return book;
  }
}

/** `units / 10^scale` with all its decimals, superfluous zeros too, as venues write it. */
const digits = (units: number, scale: number): string => {
  const text = String(units).padStart(scale + 1, '0');
  return `${text.slice(0, -scale)}.${text.slice(-scale)}`;
};
