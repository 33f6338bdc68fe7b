/**
 * The words of which the venues' scans are made: literals, numbers, times and texts, read from the
 * bytes of one JSON frame in the order in which the venue writes them. Each takes exactly what
 * `JSON.parse` and the readers of `market` would make of those bytes, or refuses: an exponent, an
 * escape, a blank, a number beyond 2^53 are for the slow path. After a refusal only a literal may
 * be tried again: it alone then left `at` where it was.
 *
 * Nothing is read from outside the frame, though memory goes on there. The last byte of every frame
 * here is a brace, which ends every run of digits: only words of four bytes need a bound of their
 * own.
 */
import type { Decimal } from '../market/decimal.ts';
import type { Frame } from '../market/frame.ts';
import type { Instrument } from '../market/instrument.ts';
import { microsFromIso } from '../market/time.ts';
import type { Level } from './rows.ts';
import type { ScanContext } from './venue.ts';

/** As parseDecimal's fast path: longer texts may mean more than they are worth. */
const maxDecimalLength = 24;

const tens: readonly number[] = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

const zero = 0x30;
const point = 0x2e;
const quote = 0x22;
const backslash = 0x5c;
const closingBrace = 0x7d;

/** `Z"`, read as a word. */
const zoneAndQuote = 0x225a;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text of at least four bytes, in words of four; the last one may overlap the one before. */
export class Literal {
  readonly length: number;
  readonly words: Int32Array;
  readonly last: number;

  constructor(text: string) {
    const bytes = encoder.encode(text);
    const view = new DataView(bytes.buffer);
    this.length = bytes.length;
    this.words = Int32Array.from({ length: (bytes.length - 1) >> 2 }, (_, at) =>
      view.getInt32(at * 4, true),
    );
    this.last = view.getInt32(bytes.length - 4, true);
  }
}

export class Scanner {
  /** The next byte. */
  at = 0;
  /** The integer, or the microseconds, that was taken last. */
  value = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #end = 0;
  #units = 0;
  #scale = 0;
  /** `2021-04-17T16:43:`, the minute of the last time, in words, and where it begins. */
  readonly #minute = new Int32Array(4);
  #minuteMicros = -1;

  /** False for a frame that does not end in a brace. */
  begin({ bytes, view, from, to }: Frame): boolean {
    this.#bytes = bytes;
    this.#view = view;
    this.#end = to;
    this.at = from;
    return to > from && bytes[to - 1] === closingBrace;
  }

  /** Whether what is left is `braces` closing braces: the last byte is known to be one. */
  ends(braces: 0 | 1): boolean {
    return this.at === this.#end - braces;
  }

  /** The byte `ahead` of the next one; 0 behind the frame. */
  peek(ahead: number): number {
    const at = this.at + ahead;
    return at < this.#end ? (this.#bytes[at] ?? 0) : 0;
  }

  /** One byte. */
  takesByte(byte: number): boolean {
    if (this.peek(0) !== byte) return false;
    this.at++;
    return true;
  }

  takes({ length, words, last }: Literal): boolean {
    const view = this.#view;
    const end = this.at + length;
    if (end > this.#end) return false;
    let at = this.at;
    for (let word = 0; word < words.length; word++, at += 4) {
      if (view.getInt32(at, true) !== words[word]) return false;
    }
    if (view.getInt32(end - 4, true) !== last) return false;
    this.at = end;
    return true;
  }

  /** The rest of a text without escapes, and the quote at its end. */
  text(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.at;
    while (at + 4 <= end && isPlain(this.#view.getInt32(at, true))) at += 4;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === quote) {
        this.at = at + 1;
        return true;
      }
      if (byte < 0x20 || byte === backslash) return false;
    }
    return false;
  }

  /** The rest of a text that is the symbol of an instrument we know, and the quote. */
  symbol(context: ScanContext): Instrument | undefined {
    const from = this.at;
    return this.text() ? context.known(this.#bytes, from, this.at - 1) : undefined;
  }

  /** Digits of a safe integer, as JSON writes one that is not negative: to `value`. */
  integer(): boolean {
    const from = this.at;
    const count = this.#digits();
    return (
      count > 0 &&
      (count === 1 || this.#bytes[from] !== zero) &&
      this.value <= Number.MAX_SAFE_INTEGER
    );
  }

  /** Digits, or digits on both sides of a point, as JSON writes them: for `taken` and `isZero`. */
  decimal(): boolean {
    const from = this.at;
    if (!this.integer()) return false;
    this.#units = this.value;
    this.#scale = 0;
    if (this.#bytes[this.at] !== point) return true;
    this.at++;
    const places = this.#digits();
    if (places === 0 || this.at - from > maxDecimalLength) return false;
    return this.value <= Number.MAX_SAFE_INTEGER && this.#addFraction(places);
  }

  /** A decimal, and the quote at its end. */
  decimalText(): boolean {
    return this.decimal() && this.takesByte(quote);
  }

  /**
   * Price and size of one side of the book, as texts behind their keys. A zero says that there is
   * no such side: that is for the slow path.
   */
  level(price: Literal, size: Literal): Level | undefined {
    if (!this.takes(price) || !this.decimalText() || this.isZero()) return undefined;
    const at = this.taken();
    if (!this.takes(size) || !this.decimalText() || this.isZero()) return undefined;
    return { price: at, size: this.taken() };
  }

  /** `2021-04-17T16:43:37.089723Z` and the quote at its end, to `value`. */
  timeText(): boolean {
    const view = this.#view;
    const { at } = this;
    if (at + 28 > this.#end || !this.#isInMinute()) return false;
    const second = twoDigits(view.getInt16(at + 17, true));
    const high = fourDigits(view.getInt32(at + 20, true));
    const low = twoDigits(view.getInt16(at + 24, true));
    if (second < 0 || second > 59 || high < 0 || low < 0) return false;
    if (this.#bytes[at + 19] !== point || view.getInt16(at + 26, true) !== zoneAndQuote)
      return false;
    this.value = this.#minuteMicros + second * 1e6 + high * 100 + low;
    this.at = at + 28;
    return this.value <= Number.MAX_SAFE_INTEGER;
  }

  /** A decimal that no one needs, with a minus too. */
  skipNumber(): boolean {
    if (this.peek(0) === 0x2d) this.at++;
    const from = this.at;
    const count = this.#digits();
    if (count === 0 || (count > 1 && this.#bytes[from] === zero)) return false;
    if (this.#bytes[this.at] !== point) return true;
    this.at++;
    return this.#digits() > 0;
  }

  /** The decimal that was taken last. */
  taken(): Decimal {
    return { units: this.#units, scale: this.#scale };
  }

  isZero(): boolean {
    return this.#units === 0;
  }

  /** A run of digits, to `value`: exact up to 2^53, and never below it after it was above. */
  #digits(): number {
    const view = this.#view;
    const bytes = this.#bytes;
    const from = this.at;
    const lastWord = this.#end - 4;
    let at = from;
    let value = 0;
    for (; at <= lastWord; at += 4) {
      const four = fourDigits(view.getInt32(at, true));
      if (four < 0) break;
      value = value * 10_000 + four;
    }
    for (; ; at++) {
      const digit = (bytes[at] ?? 0) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.at = at;
    this.value = value;
    return at - from;
  }

  /** `places` digits in `value` behind the point, canonical: without the zeros at their end. */
  #addFraction(places: number): boolean {
    let { at } = this;
    while (at > this.at - places && this.#bytes[at - 1] === zero) at--;
    const zeros = this.at - at;
    const scale = places - zeros;
    const fraction = zeros === 0 ? this.value : this.value / (tens[zeros] ?? Number.NaN);
    this.#units = this.#units * (tens[scale] ?? Number.NaN) + fraction;
    this.#scale = scale;
    return this.#units <= Number.MAX_SAFE_INTEGER;
  }

  /** The time up to its minute, if it is that of the last time; else it is read at leisure. */
  #isInMinute(): boolean {
    const view = this.#view;
    const words = this.#minute;
    const { at } = this;
    if (
      view.getInt32(at, true) === words[0] &&
      view.getInt32(at + 4, true) === words[1] &&
      view.getInt32(at + 8, true) === words[2] &&
      view.getInt32(at + 12, true) === words[3] &&
      view.getUint8(at + 16) === 0x3a
    ) {
      return this.#minuteMicros >= 0;
    }
    const text = decoder.decode(this.#bytes.subarray(at, at + 17));
    this.#minuteMicros = microsFromIso(`${text}00Z`) ?? -1;
    for (let word = 0; word < 4; word++) words[word] = view.getInt32(at + word * 4, true);
    return this.#minuteMicros >= 0;
  }
}

/** Whether none of four bytes is a quote, a backslash, or below 0x20. */
function isPlain(word: number): boolean {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const found =
    ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes) |
    ((word - 0x20202020) & ~word);
  return (found & 0x80808080) === 0;
}

/** The value of four digits in the order of the text; -1 where one of them is none. */
function fourDigits(word: number): number {
  const high = word & 0xf0f0f0f0;
  const carried = (word + 0x06060606) & 0xf0f0f0f0;
  if ((high | (carried >>> 4)) !== 0x33333333) return -1;
  const units = word & 0x0f0f0f0f;
  const pairs = (units * 10 + (units >>> 8)) & 0x00ff00ff;
  return (pairs & 0xff) * 100 + (pairs >>> 16);
}

/** As `fourDigits`, of two. */
function twoDigits(word: number): number {
  const first = (word & 0xff) - zero;
  const second = ((word >>> 8) & 0xff) - zero;
  return first < 0 || first > 9 || second < 0 || second > 9 ? -1 : first * 10 + second;
}
