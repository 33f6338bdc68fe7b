import type { Decimal } from '../../market/decimal.ts';
import type { Integer } from '../../market/integer.ts';
import { MdpError } from '../../runtime/errors.ts';
import {
  longDecimalBytes,
  putBigInt8,
  putChar,
  putColumns,
  putDecimal,
  putInt2,
  putInt4,
  putInt8,
  putLongDecimal,
  putNull,
  putTime,
} from './binary-fields.ts';

/** `PGCOPY\n\377\r\n\0`, no flags, no extension. */
const header = [
  0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
];

/** More than any row without its texts and its numbers beyond 2^53. */
const fixedRowBytes = 512;
const firstCapacity = 1 << 20;
const encoder = new TextEncoder();

/**
 * Rows in PostgreSQL's binary COPY format, in one buffer that is used again for the next batch.
 * Fields are appended one by one, of any size; who writes many small ones asks for `room` and moves
 * `at` himself.
 */
export class BinaryRows {
  #bytes = new Uint8Array(firstCapacity);
  #view = new DataView(this.#bytes.buffer);
  /** Where the next field goes. */
  at = 0;

  begin(): void {
    this.#bytes.set(header);
    this.at = header.length;
  }

  /** The rows since `begin`, valid until the next `begin`. */
  end(): Uint8Array {
    this.at = putColumns(this.room(), this.at, -1);
    return this.#bytes.subarray(0, this.at);
  }

  /**
   * The bytes, with room for `more` of them behind `at`: by default for a row without texts and
   * numbers beyond 2^53. The buffer never shrinks: it is as large as the largest batch.
   */
  room(more = fixedRowBytes): DataView {
    if (this.at + more > this.#bytes.length) this.#grow(more);
    return this.#view;
  }

  row(columns: number): void {
    this.at = putColumns(this.room(), this.at, columns);
  }

  null(): void {
    this.at = putNull(this.#view, this.at);
  }

  int2(value: number): void {
    this.at = putInt2(this.#view, this.at, value);
  }

  int4(value: number): void {
    this.at = putInt4(this.#view, this.at, value);
  }

  /** Throws `MdpError` with SQLSTATE 22003 for an integer of more than 64 bits. */
  int8(value: Integer | undefined): void {
    if (value === undefined) this.null();
    else if (typeof value === 'number') this.at = putInt8(this.#view, this.at, value);
    else {
      if (BigInt.asIntN(64, value) !== value) throw outOfRange();
      this.at = putBigInt8(this.#view, this.at, value);
    }
  }

  /** A timestamptz from integer microseconds since 1970. */
  time(micros: number): void {
    this.at = putTime(this.#view, this.at, micros);
  }

  char(code: number | undefined): void {
    if (code === undefined) this.null();
    else this.at = putChar(this.#view, this.at, code);
  }

  text(value: string | undefined): void {
    if (value === undefined) {
      this.null();
      return;
    }
    const view = this.room(value.length * 3 + fixedRowBytes);
    const { written } = encoder.encodeInto(storable(value), this.#bytes.subarray(this.at + 4));
    view.setInt32(this.at, written);
    this.at += 4 + written;
  }

  numeric(value: Decimal | undefined): void {
    if (value === undefined) {
      this.null();
      return;
    }
    const { units, scale } = value;
    if (typeof units === 'number') {
      this.at = putDecimal(this.#view, this.at, units, scale);
    } else {
      const view = this.room(longDecimalBytes(units) + fixedRowBytes);
      this.at = putLongDecimal(view, this.at, units, scale);
    }
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.at + more));
    larger.set(this.#bytes.subarray(0, this.at));
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
