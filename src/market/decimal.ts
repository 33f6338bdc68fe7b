/**
 * Exact decimals: text in, exact comparison, sums and products, canonical text out. Numbers are
 * scaled integers held in a `number` while they are safe integers and in a `bigint` beyond 2^53,
 * which is slower and just as exact. Nothing here is ever a binary float. Text from outside is
 * bounded; sums and products are as long as exactness needs.
 */
import { addInteger, compareInteger, integerOf, multiplyInteger, type Integer } from './integer.ts';

/**
 * An exact decimal: `units / 10^scale`. Canonical: `scale >= 0`, and `units` ends in 0 only when
 * `scale` is 0, so two equal values have equal fields. Never a binary float.
 */
export type Decimal = { readonly units: Integer; readonly scale: number };

type Bounds = { readonly textLength: number; readonly digits: number; readonly scale: number };

/**
 * What a venue may send: at most 64 digits (behind the leading zeros, without an exponent) and 38
 * decimals.
 */
const wireBounds: Bounds = { textLength: 160, digits: 64, scale: 38 };

/** What we may have written: a sum of products of decimals within `wireBounds`. */
const jsonBounds: Bounds = { textLength: 320, digits: 256, scale: 76 };

/** No value within either bounds needs an exponent beyond this: its text would be too long. */
const maxExponent = 512;

const decimalForm = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;
const minus = 45;
const point = 46;
const zero = 48;
const tens: readonly number[] = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

export const ZERO: Decimal = { units: 0, scale: 0 };

/**
 * Reads a sign, digits with or without a point (at least one digit), and an exponent. At most 64
 * digits and 38 decimals once written out without superfluous zeros; undefined for everything else,
 * the empty text, `NaN` and hex included.
 */
export function parseDecimal(text: string): Decimal | undefined {
  return parseShort(text) ?? parseLong(text, wireBounds);
}

/** Plain digits whose value fits in 2^53, in one pass; undefined sends the text to `parseLong`. */
function parseShort(text: string): Decimal | undefined {
  const { length } = text;
  const start = text.charCodeAt(0) === minus ? 1 : 0;
  if (length === start || length > 24) return undefined;
  let units = 0;
  let scale = 0;
  // Zeros behind the point count only once another digit follows: the result is canonical at once.
  let zeros = 0;
  let fraction = false;
  for (let at = start; at < length; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) {
      if (digit !== point - zero || fraction || length === start + 1) return undefined;
      fraction = true;
    } else if (!fraction) {
      units = units * 10 + digit;
    } else if (digit === 0) {
      zeros++;
    } else {
      units = units * (tens[zeros + 1] ?? Number.NaN) + digit;
      scale += zeros + 1;
      zeros = 0;
    }
  }
  // A float that ever passed 2^53 never comes back below it here.
  if (!Number.isSafeInteger(units)) return undefined;
  return { units: start === 1 && units !== 0 ? -units : units, scale };
}

function parseLong(text: string, bounds: Bounds): Decimal | undefined {
  if (text.length > bounds.textLength) return undefined;
  const match = decimalForm.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  if (whole.length + fraction.length === 0) return undefined;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return ZERO;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > maxExponent) return undefined;
  // The value is `significant * 10^power`.
  const power = exponent - fraction.length + digits.length - significant.length;
  const length = significant.length + Math.max(power, 0);
  if (length > bounds.digits || -power > bounds.scale) return undefined;
  const units = BigInt((sign === '-' ? '-' : '') + significant + '0'.repeat(Math.max(power, 0)));
  return { units: integerOf(units), scale: Math.max(-power, 0) };
}

/** No exponent, no trailing zeros behind the point, `0` never `-0`. */
export function formatDecimal(value: Decimal): string {
  const { units, scale } = value;
  if (scale === 0) return String(units);
  const text = String(units);
  const sign = units < 0 ? '-' : '';
  const digits = text.slice(sign.length).padStart(scale + 1, '0');
  const split = digits.length - scale;
  return `${sign}${digits.slice(0, split)}.${digits.slice(split)}`;
}

/** Canonical text, for saved state. */
export function toJson(value: Decimal): string {
  return formatDecimal(value);
}

/** Reads what `toJson` wrote, sums of products included: at most 256 digits, 76 decimals. */
export function fromJson(text: string): Decimal | undefined {
  return parseShort(text) ?? parseLong(text, jsonBounds);
}

export function signOf(value: Decimal): -1 | 0 | 1 {
  if (value.units === 0) return 0;
  return value.units < 0 ? -1 : 1;
}

/** Negative, 0 or positive, as `a` is less than, equal to or greater than `b`. */
export function compareDecimal(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  return compareInteger(unitsAt(a, scale), unitsAt(b, scale));
}

/** The exact sum. */
export function addDecimal(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return canonical(addInteger(unitsAt(a, scale), unitsAt(b, scale)), scale);
}

/** The exact product. */
export function multiplyDecimal(a: Decimal, b: Decimal): Decimal {
  return canonical(multiplyInteger(a.units, b.units), a.scale + b.scale);
}

/**
 * `numerator / denominator` with `scale` decimals, ties to the even digit. Throws RangeError when
 * dividing by zero.
 */
export function divideHalfEven(numerator: Decimal, denominator: Decimal, scale: number): Decimal {
  const shift = scale + denominator.scale - numerator.scale;
  const dividend = absolute(BigInt(numerator.units)) * 10n ** BigInt(Math.max(shift, 0));
  const divisor = absolute(BigInt(denominator.units)) * 10n ** BigInt(Math.max(-shift, 0));
  const quotient = dividend / divisor;
  const twice = (dividend % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  const negative = signOf(numerator) * signOf(denominator) < 0;
  return canonical(integerOf(negative ? -rounded : rounded), scale);
}

/**
 * A mutable exact sum. It adds at the finest scale seen so far, in a `number`; what would pass 2^53
 * spills into a `bigint` beside it.
 */
export class DecimalSum {
  #scale = 0;
  #low = 0;
  #high = 0n;

  /** Undefined for a text that `toJson` did not write. */
  static fromJson(text: string): DecimalSum | undefined {
    const value = fromJson(text);
    if (value === undefined) return undefined;
    const sum = new DecimalSum();
    sum.add(value);
    return sum;
  }

  add(value: Decimal): void {
    this.#add(value.units, value.scale);
  }

  /** Adds `a * b`. */
  addProduct(a: Decimal, b: Decimal): void {
    this.#add(multiplyInteger(a.units, b.units), a.scale + b.scale);
  }

  merge(other: DecimalSum): void {
    this.#add(other.#units(), other.#scale);
  }

  value(): Decimal {
    return canonical(this.#units(), this.#scale);
  }

  clone(): DecimalSum {
    const copy = new DecimalSum();
    copy.#scale = this.#scale;
    copy.#low = this.#low;
    copy.#high = this.#high;
    return copy;
  }

  /** The canonical text of the value. */
  toJson(): string {
    return formatDecimal(this.value());
  }

  #add(units: Integer, scale: number): void {
    if (scale > this.#scale) this.#refine(scale);
    const scaled = scaleUp(units, this.#scale - scale);
    if (typeof scaled === 'bigint') {
      this.#high += scaled;
      return;
    }
    const sum = this.#low + scaled;
    if (Number.isSafeInteger(sum)) {
      this.#low = sum;
    } else {
      this.#high += BigInt(this.#low);
      this.#low = scaled;
    }
  }

  #refine(scale: number): void {
    const units = scaleUp(this.#units(), scale - this.#scale);
    this.#scale = scale;
    this.#low = typeof units === 'number' ? units : 0;
    this.#high = typeof units === 'bigint' ? units : 0n;
  }

  #units(): Integer {
    return this.#high === 0n ? this.#low : integerOf(this.#high + BigInt(this.#low));
  }
}

function unitsAt(value: Decimal, scale: number): Integer {
  return scaleUp(value.units, scale - value.scale);
}

/** `units * 10^digits`. */
function scaleUp(units: Integer, digits: number): Integer {
  if (digits === 0) return units;
  const factor = tens[digits];
  if (typeof units === 'number' && factor !== undefined) {
    const scaled = units * factor;
    if (Number.isSafeInteger(scaled)) return scaled;
  }
  return integerOf(BigInt(units) * 10n ** BigInt(digits));
}

function canonical(units: Integer, scale: number): Decimal {
  let digits = units;
  let places = scale;
  while (places > 0 && typeof digits === 'bigint' && digits % 10n === 0n) {
    digits = integerOf(digits / 10n);
    places--;
  }
  while (places > 0 && typeof digits === 'number' && digits % 10 === 0) {
    digits /= 10;
    places--;
  }
  return { units: digits, scale: places };
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
