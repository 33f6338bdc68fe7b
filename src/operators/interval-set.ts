import { addInteger, subtractInteger, type Integer } from '../market/integer.ts';
import { loadInteger, must, saveInteger, saveOptional, loadOptional } from './json.ts';
import type { IntegerJson } from './json.ts';

/** Most intervals of a set; at a quarter more, the lowest are forgotten down to this number. */
export const MAX_INTERVALS = 2_048;

/** `from` and `to` of each interval in turn, ascending. */
export type IntervalSetJson = {
  readonly intervals: readonly IntegerJson[];
  readonly forgottenUpTo: IntegerJson | null;
};

/**
 * A bounded set of integers as sorted, inclusive intervals; neighbours merge, so that contiguous
 * ids need one interval. What is evicted at the limit is always the lowest, and `forgottenUpTo`
 * says up to where nothing is known any more.
 */
export class IntervalSet {
  #from: Integer[] = [];
  /** Of the last interval only as far as `#settle` has come: `#highest` is its end. */
  #to: Integer[] = [];
  /**
   * The greatest member. Beside the arrays, since the next id of a feed moves only this: with many
   * instruments the two would be three misses of the cache.
   */
  #highest: Integer | undefined;
  #forgottenUpTo: Integer | undefined;

  static fromJson(json: IntervalSetJson): IntervalSet {
    const set = new IntervalSet();
    for (let at = 0; at < json.intervals.length; at += 2) {
      set.#from.push(loadInteger(must(json.intervals[at])));
      set.#to.push(loadInteger(must(json.intervals[at + 1])));
    }
    set.#highest = set.#to.at(-1);
    set.#forgottenUpTo = loadOptional(json.forgottenUpTo, loadInteger);
    return set;
  }

  get intervals(): number {
    return this.#from.length;
  }

  get highest(): Integer | undefined {
    return this.#highest;
  }

  /** `forgotten`: whether the set ever held it is not known any more; it is not added. */
  add(id: Integer): 'new' | 'seen' | 'forgotten' {
    if (this.#highest !== undefined && id === addInteger(this.#highest, 1)) {
      this.#highest = id;
      return 'new';
    }
    if (this.#forgottenUpTo !== undefined && id <= this.#forgottenUpTo) return 'forgotten';
    this.#settle();
    const isNew = this.#insert(id);
    this.#highest = this.#to.at(-1);
    return isNew ? 'new' : 'seen';
  }

  /** How many members lie in `[from, to]`. */
  count(from: Integer, to: Integer): Integer {
    this.#settle();
    let sum: Integer = 0;
    for (let at = this.#indexOf(from); at < this.#from.length; at++) {
      const start = this.#from[at] ?? to;
      const end = this.#to[at] ?? to;
      if (start > to) break;
      const inside = subtractInteger(end < to ? end : to, start > from ? start : from);
      sum = addInteger(sum, addInteger(inside, 1));
    }
    return sum;
  }

  toJson(): IntervalSetJson {
    this.#settle();
    const intervals = this.#from.flatMap((from, at) => [from, this.#to[at] ?? from]);
    return {
      intervals: intervals.map(saveInteger),
      forgottenUpTo: saveOptional(this.#forgottenUpTo, saveInteger),
    };
  }

  /** Makes the arrays whole. */
  #settle(): void {
    if (this.#highest !== undefined) this.#to[this.#to.length - 1] = this.#highest;
  }

  #insert(id: Integer): boolean {
    const at = this.#indexOf(id);
    const from = this.#from[at];
    if (from !== undefined && from <= id) return false;
    const before = at > 0 ? this.#to[at - 1] : undefined;
    const joinsBefore = before !== undefined && addInteger(before, 1) === id;
    const joinsAfter = from !== undefined && addInteger(id, 1) === from;
    if (joinsBefore && joinsAfter) {
      this.#to[at - 1] = this.#to[at] ?? id;
      this.#from.splice(at, 1);
      this.#to.splice(at, 1);
    } else if (joinsBefore) {
      this.#to[at - 1] = id;
    } else if (joinsAfter) {
      this.#from[at] = id;
    } else {
      this.#from.splice(at, 0, id);
      this.#to.splice(at, 0, id);
      if (this.#from.length > MAX_INTERVALS * 1.25) this.#forget();
    }
    return true;
  }

  /** The first interval that ends at `id` or behind it. */
  #indexOf(id: Integer): number {
    let low = 0;
    let high = this.#to.length;
    if (high > 0 && id > (this.#to[high - 1] ?? id)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#to[middle] ?? id) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #forget(): void {
    const excess = this.#from.length - MAX_INTERVALS;
    this.#forgottenUpTo = this.#to[excess - 1];
    this.#from = this.#from.slice(excess);
    this.#to = this.#to.slice(excess);
  }
}
