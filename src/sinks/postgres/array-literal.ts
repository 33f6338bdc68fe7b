/**
 * Array literals: one parameter a column, cast by the statement. The driver's own array handling
 * knows neither bigints nor booleans and is slower.
 */
export type PlainCell = string | number | bigint | boolean | undefined;

/**
 * Of values whose text holds no comma, brace, quote, backslash or space: numbers, booleans, times.
 */
export function plainArray(values: readonly PlainCell[]): string {
  return `{${values.map((value) => (value === undefined ? 'NULL' : String(value))).join(',')}}`;
}

/** Of any text without NUL. */
export function textArray(values: readonly (string | undefined)[]): string {
  return `{${values.map(quoted).join(',')}}`;
}

/** Of bytes, in hex. */
export function bytesArray(values: readonly Uint8Array[]): string {
  return `{${values.map((bytes) => `"\\\\x${bytes.toHex()}"`).join(',')}}`;
}

function quoted(value: string | undefined): string {
  return value === undefined ? 'NULL' : `"${value.replace(/["\\]/g, String.raw`\$&`)}"`;
}
