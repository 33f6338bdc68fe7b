/**
 * An integer of any size: a `number` while it is a safe integer, a `bigint` beyond. The form is
 * canonical (no bigint that a number could hold), so `===`, `<` and Map keys work across both.
 */
export type Integer = number | bigint;

const maxTextLength = 40;
const wireForm = /^-?[0-9]+$/;
const biggest = BigInt(Number.MAX_SAFE_INTEGER);

/** The canonical form of a bigint. */
export function integerOf(value: bigint): Integer {
  return value >= -biggest && value <= biggest ? Number(value) : value;
}

/** Reads an optional minus and digits, at most 40 characters; undefined for everything else. */
export function parseInteger(text: string): Integer | undefined {
  if (text.length > maxTextLength || !wireForm.test(text)) return undefined;
  return text.length <= 15 ? Number(text) + 0 : integerOf(BigInt(text));
}

/** The exact sum. */
export function addInteger(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return integerOf(BigInt(a) + BigInt(b));
}

/** The exact difference `a - b`. */
export function subtractInteger(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return integerOf(BigInt(a) - BigInt(b));
}

/** The exact product. */
export function multiplyInteger(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    // `+ 0` turns the -0 of `0 * -1` into 0.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return integerOf(BigInt(a) * BigInt(b));
}

/** Negative, 0 or positive, as `a` is less than, equal to or greater than `b`. */
export function compareInteger(a: Integer, b: Integer): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
