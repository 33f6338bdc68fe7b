import type { Instrument } from './instrument.ts';

/**
 * A slot is half a line of the cache, so that most names are found with one miss:
 *
 *     0 u32 hash · 4 u32 number of the instrument, from 1; 0 = empty · 8 the name · 31 its length
 *
 * A name that does not fit has the length `LONG` and lies beside.
 */
const SLOT_BYTES = 32;
const SLOT_WORDS = SLOT_BYTES / 4;
const NUMBER_WORD = 1;
const NAME_BYTE = 8;
const LENGTH_BYTE = 31;
const LONG = 255;

type Slots = { readonly words: Int32Array; readonly bytes: Uint8Array; readonly mask: number };

const encoder = new TextEncoder();

/**
 * The instruments of one venue by the UTF-8 bytes of their symbols: a name in a frame is found
 * where it lies, without making a text of it. Open addressing, at most half full.
 */
export class SymbolTable {
  #slots = emptySlots(64);
  /** In the order of `add`. */
  readonly #instruments: Instrument[] = [];
  readonly #names: Uint8Array[] = [];

  /** Once for each symbol. */
  add(instrument: Instrument): void {
    this.#instruments.push(instrument);
    this.#names.push(encoder.encode(instrument.symbol));
    if (this.#names.length * 2 > this.#slots.mask + 1) this.#grow();
    else this.#place(this.#names.length);
  }

  /** The instrument whose symbol stands in `[from, to)`. */
  find(bytes: Uint8Array, from: number, to: number): Instrument | undefined {
    const { words, mask } = this.#slots;
    const hash = hashOf(bytes, from, to);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const number = words[at * SLOT_WORDS + NUMBER_WORD] ?? 0;
      if (number === 0) return undefined;
      if (words[at * SLOT_WORDS] === hash && this.#isName(at, number, bytes, from, to)) {
        return this.#instruments[number - 1];
      }
    }
  }

  #isName(slot: number, number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const mine = this.#slots.bytes;
    const at = slot * SLOT_BYTES;
    const length = mine[at + LENGTH_BYTE];
    const name = length === LONG ? this.#names[number - 1] : undefined;
    if (name !== undefined) return isEqual(name, 0, name.length, bytes, from, to);
    return isEqual(mine, at + NAME_BYTE, length ?? 0, bytes, from, to);
  }

  #grow(): void {
    this.#slots = emptySlots((this.#slots.mask + 1) * 2);
    for (let number = 1; number <= this.#names.length; number++) this.#place(number);
  }

  #place(number: number): void {
    const { words, bytes, mask } = this.#slots;
    const name = this.#names[number - 1] ?? new Uint8Array();
    const hash = hashOf(name, 0, name.length);
    let at = hash & mask;
    while (words[at * SLOT_WORDS + NUMBER_WORD] !== 0) at = (at + 1) & mask;
    words[at * SLOT_WORDS] = hash;
    words[at * SLOT_WORDS + NUMBER_WORD] = number;
    const fits = name.length <= LENGTH_BYTE - NAME_BYTE;
    bytes[at * SLOT_BYTES + LENGTH_BYTE] = fits ? name.length : LONG;
    if (fits) bytes.set(name, at * SLOT_BYTES + NAME_BYTE);
  }
}

/** `count` is a power of two. */
function emptySlots(count: number): Slots {
  const buffer = new ArrayBuffer(count * SLOT_BYTES);
  return { words: new Int32Array(buffer), bytes: new Uint8Array(buffer), mask: count - 1 };
}

/** FNV-1a with 32 bits, its upper half folded into the lower: slots are taken by the low bits. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fff_ffff;
}

/** Whether `length` bytes of `mine` at `at` are those in `[from, to)`. */
function isEqual(
  mine: Uint8Array,
  at: number,
  length: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (length !== to - from) return false;
  for (let byte = 0; byte < length; byte++)
    if (mine[at + byte] !== bytes[from + byte]) return false;
  return true;
}
