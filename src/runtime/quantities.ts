import * as v from 'valibot';

/**
 * Sizes and spans of time as people write them in a configuration: `4MiB`, `512000`, `12h`. Parsers
 * return undefined for anything else; the schemas accept a number or text and put out bytes and
 * milliseconds as safe integers.
 */
const bytesByUnit: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
  ['TiB', 1024 ** 4],
]);

const msByUnit: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
]);

/** Bytes of `4MiB`, `4 MB` or `4194304`; undefined unless a whole number of bytes below 2^53. */
export function parseByteSize(text: string): number | undefined {
  return scaled(text, bytesByUnit);
}

/**
 * Milliseconds of `250ms`, `30s`, `5m`, `12h`, `30d`, `2w` or a bare `0`; undefined for anything
 * else.
 */
export function parseDuration(text: string): number | undefined {
  return text === '0' ? 0 : scaled(text, msByUnit);
}

/** The shortest exact text of a size, in binary units: `4MiB`, `512000`. */
export function byteSizeText(bytes: number): string {
  return shortest(bytes, ['TiB', 'GiB', 'MiB', 'KiB'], bytesByUnit) ?? String(bytes);
}

/** The shortest exact text of a span: `7d`, `1500ms`, `0`. */
export function durationText(ms: number): string {
  return ms === 0 ? '0' : (shortest(ms, ['d', 'h', 'm', 's'], msByUnit) ?? `${ms}ms`);
}

/** A size setting: an integer of bytes, or text such as `4MiB`. Puts out bytes. */
export const byteSize = (least: number, most: number) =>
  v.pipe(
    v.union([v.number(), v.string()]),
    v.transform((size) => (typeof size === 'string' ? parseByteSize(size) : size) ?? Number.NaN),
    v.check((bytes) => Number.isSafeInteger(bytes) && bytes >= least && bytes <= most),
    v.metadata({
      unit: 'bytes',
      allowed:
        `bytes from ${byteSizeText(least)} to ${byteSizeText(most)}, ` +
        'as an integer or like 512KiB, 4MiB',
    }),
  );

/** A span setting: text such as `12h`, or 0. Puts out milliseconds. */
export const duration = (leastMs: number, mostMs: number) =>
  v.pipe(
    v.union([v.number(), v.string()]),
    v.transform((span) => parseDuration(String(span)) ?? Number.NaN),
    v.check((ms) => ms >= leastMs && ms <= mostMs),
    v.metadata({
      allowed:
        `a time from ${durationText(leastMs)} to ${durationText(mostMs)}, ` +
        'like 30s, 5m, 12h, 7d',
    }),
  );

function scaled(text: string, factors: ReadonlyMap<string, number>): number | undefined {
  const [, digits, unit] = /^(\d{1,16}) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = factors.get(unit ?? '');
  if (digits === undefined || factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

function shortest(
  value: number,
  units: readonly string[],
  factors: ReadonlyMap<string, number>,
): string | undefined {
  if (value === 0) return undefined;
  for (const unit of units) {
    const count = value / (factors.get(unit) ?? 1);
    if (Number.isSafeInteger(count)) return `${count}${unit}`;
  }
  return undefined;
}
