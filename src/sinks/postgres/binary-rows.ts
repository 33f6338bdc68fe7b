import type { Decimal } from '../../market/decimal.ts';
import type { Integer } from '../../market/integer.ts';
import { MdpError } from '../../runtime/errors.ts';

/** `PGCOPY\n\377\r\n\0`, no flags, no extension. */
const header = [
  0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
];

/** Microseconds from 1970, where our times begin, to 2000, where PostgreSQL's do. */
const postgresEpoch = 946_684_800_000_000;

/** More than any row without its texts and its numbers beyond 2^53. */
const fixedRowBytes = 512;
const firstCapacity = 1 << 20;
const negativeSign = 0x4000;
const twoTo32 = 2 ** 32;
const tens: readonly [number, number, number, number] = [1, 10, 100, 1000];
const encoder = new TextEncoder();

/**
 * Rows in PostgreSQL's binary COPY format, in one buffer that is used again for the next batch.
 * https://www.postgresql.org/docs/current/sql-copy.html (read 2026-11-23); `numeric` is base 10,000
 * digits, most significant first, as in `numeric_send`.
 */
export class BinaryRows {
  #bytes = new Uint8Array(firstCapacity);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Base 10,000 digits of the number at hand, least significant first. */
  readonly #digits = new Uint16Array(8);

  begin(): void {
    this.#bytes.set(header);
    this.#at = header.length;
  }

  /** The rows since `begin`, valid until the next `begin`. */
  end(): Uint8Array {
    this.#room(2);
    this.#view.setInt16(this.#at, -1);
    return this.#bytes.subarray(0, this.#at + 2);
  }

  row(columns: number): void {
    this.#room(fixedRowBytes);
    this.#view.setInt16(this.#at, columns);
    this.#at += 2;
  }

  null(): void {
    this.#view.setInt32(this.#at, -1);
    this.#at += 4;
  }

  int2(value: number): void {
    this.#view.setInt32(this.#at, 2);
    this.#view.setInt16(this.#at + 4, value);
    this.#at += 6;
  }

  int4(value: number): void {
    this.#view.setInt32(this.#at, 4);
    this.#view.setInt32(this.#at + 4, value);
    this.#at += 8;
  }

  /** Throws `MdpError` with SQLSTATE 22003 for an integer of more than 64 bits. */
  int8(value: Integer | undefined): void {
    if (value === undefined) {
      this.null();
    } else if (typeof value === 'number') {
      this.#int8(value);
    } else {
      if (BigInt.asIntN(64, value) !== value) throw outOfRange();
      this.#view.setInt32(this.#at, 8);
      this.#view.setBigInt64(this.#at + 4, value);
      this.#at += 12;
    }
  }

  /** A timestamptz from integer microseconds since 1970. */
  time(micros: number): void {
    this.#int8(micros - postgresEpoch);
  }

  /** A "char": one byte. */
  char(code: number): void {
    this.#view.setInt32(this.#at, 1);
    this.#view.setUint8(this.#at + 4, code);
    this.#at += 5;
  }

  text(value: string | undefined): void {
    if (value === undefined) {
      this.null();
      return;
    }
    this.#room(value.length * 3 + fixedRowBytes);
    const { written } = encoder.encodeInto(storable(value), this.#bytes.subarray(this.#at + 4));
    this.#view.setInt32(this.#at, written);
    this.#at += 4 + written;
  }

  numeric(value: Decimal | undefined): void {
    if (value === undefined) {
      this.null();
      return;
    }
    const { units, scale } = value;
    const pad = (4 - (scale & 3)) & 3;
    const aligned = typeof units === 'number' ? Math.abs(units) * (tens[pad] ?? 1) : Infinity;
    if (aligned <= Number.MAX_SAFE_INTEGER) {
      this.#numeric(this.#split(aligned), (scale + pad) / 4, units < 0, scale, this.#digits);
    } else {
      const digits = splitBig(BigInt(units), pad);
      this.#room(digits.length * 2 + fixedRowBytes);
      this.#numeric(digits.length, (scale + pad) / 4, units < 0, scale, digits);
    }
  }

  /** Splits into `#digits` and returns how many there are. */
  #split(value: number): number {
    let rest = value;
    let count = 0;
    while (rest > 0) {
      let quotient = Math.floor(rest / 10_000);
      let digit = rest - quotient * 10_000;
      if (digit < 0) {
        // The division rounded up to the next integer.
        quotient -= 1;
        digit += 10_000;
      }
      this.#digits[count] = digit;
      count += 1;
      rest = quotient;
    }
    return count;
  }

  #numeric(
    count: number,
    fractionDigits: number,
    negative: boolean,
    scale: number,
    digits: ArrayLike<number>,
  ): void {
    let low = 0;
    while (low < count && digits[low] === 0) low += 1;
    const kept = count - low;
    const view = this.#view;
    let at = this.#at;
    view.setInt32(at, 8 + 2 * kept);
    view.setInt16(at + 4, kept);
    view.setInt16(at + 6, kept === 0 ? 0 : count - fractionDigits - 1);
    view.setInt16(at + 8, negative ? negativeSign : 0);
    view.setInt16(at + 10, scale);
    at += 12;
    for (let index = count - 1; index >= low; index -= 1) {
      view.setInt16(at, digits[index] ?? 0);
      at += 2;
    }
    this.#at = at;
  }

  #int8(value: number): void {
    const high = Math.floor(value / twoTo32);
    this.#view.setInt32(this.#at, 8);
    this.#view.setInt32(this.#at + 4, high);
    this.#view.setUint32(this.#at + 8, value - high * twoTo32);
    this.#at += 12;
  }

  /** Room for `bytes` more. The buffer never shrinks: it is as large as the largest batch. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/**
 * PostgreSQL's text has no NUL: it becomes the replacement character, as a lone surrogate does, and
 * costs no row.
 */
export function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

export function outOfRange(): MdpError {
  return new MdpError('input', 'an integer has more than 64 bits', {
    context: { sqlstate: '22003' },
  });
}

function splitBig(units: bigint, pad: number): readonly number[] {
  const text = String(units < 0n ? -units : units) + '0'.repeat(pad);
  const digits: number[] = [];
  for (let end = text.length; end > 0; end -= 4) {
    digits.push(Number(text.slice(Math.max(end - 4, 0), end)));
  }
  return digits;
}
