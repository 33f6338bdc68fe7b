/**
 * Fields of PostgreSQL's binary COPY format: each function writes one at a place of a view, which
 * must have room, and returns the place behind it. `numeric` is base 10,000 digits, most
 * significant first, as in `numeric_send`.
 * https://www.postgresql.org/docs/current/sql-copy.html (read 2026-11-23)
 *
 * Plain functions over a place that the caller keeps: as methods that keep it themselves they cost
 * twice as much.
 */

/** Microseconds from 1970, where our times begin, to 2000, where PostgreSQL's do. */
const POSTGRES_EPOCH = 946_684_800_000_000;
const NEGATIVE = 0x4000;
const TWO_TO_32 = 2 ** 32;
/** A numeric's length, count of digits, weight, sign and scale. */
const NUMERIC_HEAD = 12;
const tens: readonly number[] = [1, 10, 100, 1000];

/** The beginning of a row. */
export function putColumns(view: DataView, at: number, columns: number): number {
  view.setInt16(at, columns);
  return at + 2;
}

export function putNull(view: DataView, at: number): number {
  view.setInt32(at, -1);
  return at + 4;
}

export function putInt2(view: DataView, at: number, value: number): number {
  view.setInt32(at, 2);
  view.setInt16(at + 4, value);
  return at + 6;
}

export function putInt4(view: DataView, at: number, value: number): number {
  view.setInt32(at, 4);
  view.setInt32(at + 4, value);
  return at + 8;
}

/** A safe integer. */
export function putInt8(view: DataView, at: number, value: number): number {
  const high = Math.floor(value * (1 / TWO_TO_32)) | 0;
  view.setInt32(at, 8);
  view.setInt32(at + 4, high);
  view.setInt32(at + 8, (value - high * TWO_TO_32) | 0);
  return at + 12;
}

/** Null where it is NaN. */
export function putInt8OrNull(view: DataView, at: number, value: number): number {
  return Number.isNaN(value) ? putNull(view, at) : putInt8(view, at, value);
}

/** Of 64 bits. */
export function putBigInt8(view: DataView, at: number, value: bigint): number {
  view.setInt32(at, 8);
  view.setBigInt64(at + 4, value);
  return at + 12;
}

/** A timestamptz from integer microseconds since 1970. */
export function putTime(view: DataView, at: number, micros: number): number {
  return putInt8(view, at, micros - POSTGRES_EPOCH);
}

/** A "char": one byte. */
export function putChar(view: DataView, at: number, code: number): number {
  view.setInt32(at, 1);
  view.setUint8(at + 4, code);
  return at + 5;
}

/** The numeric `units / 10^scale` of a safe integer; null where `units` is NaN. */
export function putDecimal(view: DataView, at: number, units: number, scale: number): number {
  if (Number.isNaN(units)) return putNull(view, at);
  const pad = padOf(scale);
  const aligned = Math.abs(units) * (tens[pad] ?? 1);
  if (aligned > Number.MAX_SAFE_INTEGER) return putLongDecimal(view, at, BigInt(units), scale);
  let high = Math.floor(aligned / 1e8);
  let low = aligned - high * 1e8;
  if (low < 0) {
    // The division rounded up to the next integer.
    high -= 1;
    low += 1e8;
  }
  return putDigits(view, at, high | 0, low | 0, (scale + pad) >> 2, units < 0, scale);
}

/** The two halves of at most four digits; zeros at either end are not sent. */
function putDigits(
  view: DataView,
  at: number,
  high: number,
  low: number,
  fractionDigits: number,
  negative: boolean,
  scale: number,
): number {
  const d3 = (high / 10_000) | 0;
  const d2 = high - d3 * 10_000;
  const d1 = (low / 10_000) | 0;
  const d0 = low - d1 * 10_000;
  const digits = at + NUMERIC_HEAD;
  let end = digits;
  if (d3 !== 0) {
    view.setInt16(end, d3);
    end += 2;
  }
  if (high !== 0) {
    view.setInt16(end, d2);
    end += 2;
  }
  if ((high | d1) !== 0) {
    view.setInt16(end, d1);
    end += 2;
  }
  if ((high | low) !== 0) {
    view.setInt16(end, d0);
    end += 2;
  }
  const weight = ((end - digits) >> 1) - fractionDigits - 1;
  if (d0 === 0 && (high | low) !== 0) {
    end -= 2;
    if (d1 === 0) end -= 2;
    if (d1 === 0 && d2 === 0) end -= 2;
  }
  putHead(view, at, (end - digits) >> 1, weight, negative, scale);
  return end;
}

/** As `putDecimal`, for what passes 2^53. Takes `longDecimalBytes` at most. */
export function putLongDecimal(view: DataView, at: number, units: bigint, scale: number): number {
  const pad = padOf(scale);
  const digits = digitsOf(units, pad);
  let low = 0;
  while (digits[low] === 0) low += 1;
  const weight = digits.length - ((scale + pad) >> 2) - 1;
  putHead(view, at, digits.length - low, weight, units < 0n, scale);
  let end = at + NUMERIC_HEAD;
  for (let index = digits.length - 1; index >= low; index -= 1) {
    view.setInt16(end, digits[index] ?? 0);
    end += 2;
  }
  return end;
}

/** Room enough for a numeric of these units. */
export function longDecimalBytes(units: bigint): number {
  return NUMERIC_HEAD + String(units).length + 8;
}

function putHead(
  view: DataView,
  at: number,
  digits: number,
  weight: number,
  negative: boolean,
  scale: number,
): void {
  view.setInt32(at, NUMERIC_HEAD - 4 + 2 * digits);
  view.setInt16(at + 4, digits);
  view.setInt16(at + 6, digits === 0 ? 0 : weight);
  view.setInt16(at + 8, negative ? NEGATIVE : 0);
  view.setInt16(at + 10, scale);
}

/** Zeros that make the decimals of a scale fill digits of base 10,000. */
function padOf(scale: number): number {
  return (4 - (scale & 3)) & 3;
}

/** Base 10,000, least significant first, with `pad` decimal zeros. */
function digitsOf(units: bigint, pad: number): readonly number[] {
  const text = String(units < 0n ? -units : units) + '0'.repeat(pad);
  const digits: number[] = [];
  for (let end = text.length; end > 0; end -= 4) {
    digits.push(Number(text.slice(Math.max(end - 4, 0), end)));
  }
  return digits;
}
