import type { Instrument } from './instrument.ts';

type Entry = {
  readonly instrument: Instrument;
  readonly bytes: Uint8Array;
  readonly hash: number;
};

const encoder = new TextEncoder();

/**
 * The instruments of one venue by the UTF-8 bytes of their symbols: a name in a frame is found
 * where it lies, without making a text of it. Open addressing, at most a quarter full.
 */
export class SymbolTable {
  #slots: (Entry | undefined)[] = emptySlots(64);
  #size = 0;

  /** Once for each symbol. */
  add(instrument: Instrument): void {
    const bytes = encoder.encode(instrument.symbol);
    this.#size++;
    if (this.#size * 4 > this.#slots.length) this.#grow();
    place(this.#slots, { instrument, bytes, hash: hashOf(bytes, 0, bytes.length) });
  }

  /** The instrument whose symbol stands in `[from, to)`. */
  find(bytes: Uint8Array, from: number, to: number): Instrument | undefined {
    const slots = this.#slots;
    const hash = hashOf(bytes, from, to);
    for (let at = hash; ; at++) {
      const entry = slots[at & (slots.length - 1)];
      if (entry === undefined) return undefined;
      if (entry.hash === hash && isEqual(entry.bytes, bytes, from, to)) return entry.instrument;
    }
  }

  #grow(): void {
    const slots = emptySlots(this.#slots.length * 2);
    for (const entry of this.#slots) if (entry !== undefined) place(slots, entry);
    this.#slots = slots;
  }
}

/** `count` is a power of two. */
function emptySlots(count: number): (Entry | undefined)[] {
  return Array.from<Entry | undefined>({ length: count }).fill(undefined);
}

function place(slots: (Entry | undefined)[], entry: Entry): void {
  let at = entry.hash & (slots.length - 1);
  while (slots[at] !== undefined) at = (at + 1) & (slots.length - 1);
  slots[at] = entry;
}

/** FNV-1a with 32 bits, its upper half folded into the lower: slots are taken by the low bits. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fff_ffff;
}

function isEqual(mine: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (mine.length !== to - from) return false;
  for (let at = 0; at < mine.length; at++) if (mine[at] !== bytes[from + at]) return false;
  return true;
}
