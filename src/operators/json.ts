import { fromJson, toJson, type Decimal } from '../market/decimal.ts';
import { parseInteger, type Integer } from '../market/integer.ts';
import { MdpError } from '../runtime/errors.ts';

/** A number, or text beyond 2^53. */
export type IntegerJson = number | string;

export function saveInteger(value: Integer): IntegerJson {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Throws `input` for a text that `saveInteger` did not write. */
export function loadInteger(json: IntegerJson): Integer {
  return typeof json === 'number' ? json : must(parseInteger(json));
}

export function saveOptional<T, J>(value: T | undefined, save: (value: T) => J): J | null {
  return value === undefined ? null : save(value);
}

export function loadOptional<T, J>(json: J | null, load: (json: J) => T): T | undefined {
  return json === null ? undefined : load(json);
}

export { toJson as saveDecimal };

/** Throws `input` for a text that is no decimal. */
export function loadDecimal(json: string): Decimal {
  return must(fromJson(json));
}

/** The value, where saved state has one. Throws `input` where it is damaged. */
export function must<T>(value: T | undefined): T {
  if (value === undefined)
    throw new MdpError('input', 'the saved state of the operators is damaged');
  return value;
}
