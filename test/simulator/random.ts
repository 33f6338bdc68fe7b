import { seededRandom } from '../../src/sources/random-walk.ts';

/** Everything by chance in a simulation comes from here, and with it from its seed. */
export class Chance {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seededRandom(seed);
  }

  /** A number in [least, most). */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1));
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number] {
    return items[Math.floor(this.next() * items.length)] ?? items[0];
  }

  /** The wait for the next of events that come on average every `mean`; at most 20 times that. */
  waitFor(mean: number): number {
    return Math.min(20 * mean, -Math.log(1 - this.next()) * mean);
  }

  /** An independent source of chance: what is drawn there changes nothing here. */
  fork(): Chance {
    return new Chance(Math.floor(this.next() * 2 ** 32));
  }
}
