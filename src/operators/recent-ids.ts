import type { Integer } from '../market/integer.ts';
import { loadInteger, saveInteger, type IntegerJson } from './json.ts';

/** How many ids without an order are remembered per instrument; the oldest gives way. */
export const MAX_RECENT_IDS = 4_096;

/** The ids that came last, where ids have no order. */
export class RecentIds {
  /** A Set keeps the order of insertion: its first is the oldest. */
  readonly #ids = new Set<Integer>();

  static fromJson(json: readonly IntegerJson[]): RecentIds {
    const recent = new RecentIds();
    for (const id of json) recent.#ids.add(loadInteger(id));
    return recent;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** False when the id is remembered already. */
  add(id: Integer): boolean {
    if (this.#ids.has(id)) return false;
    if (this.#ids.size >= MAX_RECENT_IDS) {
      const [oldest] = this.#ids;
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    this.#ids.add(id);
    return true;
  }

  toJson(): IntegerJson[] {
    return [...this.#ids].map(saveInteger);
  }
}
