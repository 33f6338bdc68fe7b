import type { SyntheticEntry } from './settings.ts';

/**
 * Prices have two decimals, sizes four; both are counted in whole units and never pass through a
 * fraction.
 */
const PRICE_SCALE = 2;
const SIZE_SCALE = 4;
const LOWEST_PRICE = 2;
const START_PRICES = 1_000_000;
const LONGEST_STEP = 3;
const LARGEST_SIZE = 20_000;

/**
 * A late trade's time lies this far back, in µs: past the default allowed lateness, short of stale.
 */
const LATE_AT_LEAST_US = 3_000_000;
const LATE_SPREAD_US = 7_000_000;

type Walker = { readonly symbol: string; price: number };

/** Mulberry32 (T. Ettinger, public domain): the same seed, the same numbers, in [0, 1). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/**
 * A market that is a random walk: trade by trade, in slots. Slot n belongs to instrument n mod
 * count and is that one's trade n / count, so ids are contiguous per instrument and go on over a
 * restart, as a real market does. The odd cases are drawn apart from the walk: asking for them
 * changes no other trade.
 */
export class RandomWalk {
  readonly #walkers: readonly Walker[];
  readonly #walk: () => number;
  readonly #chance: () => number;
  readonly #odd: SyntheticEntry['odd'];
  readonly #channels: SyntheticEntry['channels'];

  constructor(
    symbols: readonly string[],
    settings: Pick<SyntheticEntry, 'seed' | 'odd' | 'channels'>,
  ) {
    this.#walk = seededRandom(settings.seed);
    this.#chance = seededRandom(~settings.seed);
    this.#odd = settings.odd;
    this.#channels = settings.channels;
    this.#walkers = symbols.map((symbol) => ({
      symbol,
      price: LOWEST_PRICE + this.#below(START_PRICES),
    }));
  }

  /**
   * The frames of slot `slot` at event time `micros`, in wire order; call once a slot, in order.
   */
  frames(slot: number, micros: number): readonly string[] {
    const walker = this.#walkers[slot % this.#walkers.length];
    if (walker === undefined) return [];
    const step = this.#below(2 * LONGEST_STEP + 1) - LONGEST_STEP;
    walker.price = Math.max(LOWEST_PRICE, walker.price + step);
    const id = Math.floor(slot / this.#walkers.length);
    const frames: string[] = [];
    if (this.#channels.includes('trades')) frames.push(...this.#trade(walker, id, micros));
    if (this.#channels.includes('quotes')) frames.push(this.#quote(walker, id, micros));
    return frames;
  }

  #trade({ symbol, price }: Walker, id: number, micros: number): readonly string[] {
    const size = 1 + this.#below(LARGEST_SIZE);
    const side = this.#below(2) === 0 ? 'b' : 's';
    const chance = this.#chance();
    const { gap, late, duplicate } = this.#odd;
    if (chance < gap) return [];
    const isLate = chance < gap + late;
    const time = isLate
      ? micros - LATE_AT_LEAST_US - Math.floor(this.#chance() * LATE_SPREAD_US)
      : micros;
    const frame =
      `{"e":"trade","s":${JSON.stringify(symbol)},"i":${id},"p":"${fixed(price, PRICE_SCALE)}",` +
      `"q":"${fixed(size, SIZE_SCALE)}","m":"${side}","t":${time}}`;
    return !isLate && chance < gap + late + duplicate ? [frame, frame] : [frame];
  }

  #quote({ symbol, price }: Walker, id: number, micros: number): string {
    const bidSize = fixed(1 + this.#below(LARGEST_SIZE), SIZE_SCALE);
    const askSize = fixed(1 + this.#below(LARGEST_SIZE), SIZE_SCALE);
    return (
      `{"e":"quote","s":${JSON.stringify(symbol)},"u":${id},` +
      `"b":"${fixed(price - 1, PRICE_SCALE)}","B":"${bidSize}",` +
      `"a":"${fixed(price + 1, PRICE_SCALE)}","A":"${askSize}","t":${micros}}`
    );
  }

  #below(limit: number): number {
    return Math.floor(this.#walk() * limit);
  }
}

/** `units / 10^scale` as text with `scale` decimals. */
const fixed = (units: number, scale: number): string => {
  const digits = String(units).padStart(scale + 1, '0');
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
};
