/**
 * Times. Every time in the program is an integer count of microseconds since the Unix epoch in UTC,
 * held in a `number` (exact until the year 2255). Two brands keep the venue's clock and ours apart:
 * the one is never compared with the other, because venues run seconds ahead of us and behind.
 *
 * What is finer than a microsecond is cut off, never rounded: rounding up would put a trade into
 * the next bar.
 */
import { parseDecimal } from './decimal.ts';

declare const eventTimeBrand: unique symbol;
declare const receiveTimeBrand: unique symbol;

/** When it happened, by the venue's clock, in integer microseconds since the epoch. */
export type EventTime = number & { readonly [eventTimeBrand]: true };

/** When it reached us, by our clock, in integer microseconds since the epoch. */
export type ReceiveTime = number & { readonly [receiveTimeBrand]: true };

/** 2255-06-05T23:47:34.740991Z: the last microsecond that a `number` holds exactly. */
const lastMicros = Number.MAX_SAFE_INTEGER;

const MICROS_PER_SECOND = 1_000_000;

/** Calls integer microseconds a time of the venue's clock. The caller vouches for them. */
export function eventTime(micros: number): EventTime {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand exists in types only
  return micros as EventTime;
}

/** Calls integer microseconds a time of our clock. The caller vouches for them. */
export function receiveTime(micros: number): ReceiveTime {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand exists in types only
  return micros as ReceiveTime;
}

/**
 * Microseconds from seconds since the epoch, read from decimal text to the digit; undefined outside
 * 1970 to 2255.
 */
export function microsFromSeconds(value: string | number): number | undefined {
  return fromUnit(value, 6);
}

/** As `microsFromSeconds`, from milliseconds. */
export function microsFromMillis(value: string | number): number | undefined {
  return fromUnit(value, 3);
}

/** As `microsFromSeconds`, from microseconds. */
export function microsFromMicros(value: string | number): number | undefined {
  return fromUnit(value, 0);
}

/** As `microsFromSeconds`, from nanoseconds. */
export function microsFromNanos(value: string | bigint | number): number | undefined {
  return fromUnit(value, -3);
}

/** `digits` is how many decimal digits the unit is coarser than a microsecond. */
function fromUnit(value: string | bigint | number, digits: number): number | undefined {
  if (typeof value === 'number' && digits >= 0 && Number.isSafeInteger(value)) {
    return inRange(value * 10 ** digits);
  }
  // The shortest text of a float is what the venue wrote, as far as a float can hold it.
  const decimal = parseDecimal(String(value));
  if (decimal === undefined) return undefined;
  const shift = digits - decimal.scale;
  const units = BigInt(decimal.units);
  if (units < 0n) return undefined;
  return inRange(Number(shift >= 0 ? units * 10n ** BigInt(shift) : units / 10n ** BigInt(-shift)));
}

function inRange(micros: number): number | undefined {
  // `+ 0` turns -0 into 0.
  return micros >= 0 && micros <= lastMicros ? micros + 0 : undefined;
}

const isoDate = '([0-9]{4})-([0-9]{2})-([0-9]{2})';
const isoClock = String.raw`([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?`;
const isoZone = '(Z|[+-][0-9]{2}:?[0-9]{2})?';
const isoForm = new RegExp(`^${isoDate}[T ]${isoClock}${isoZone}$`);

/**
 * Microseconds from an ISO 8601 date and time: `T` or a space between them, 0 to 9 decimals of a
 * second (cut off behind the sixth), and `Z` or an offset. Without a zone it is undefined, unless
 * `offsetMinutes` (east of UTC is positive) says where the clock hangs. Undefined also for what no
 * calendar has: 31 February, hour 25, second 60.
 */
export function microsFromIso(text: string, offsetMinutes?: number): number | undefined {
  const match = isoForm.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match;
  const offset = zone === undefined ? offsetMinutes : minutesOfZone(zone);
  const date = daysSinceEpoch(Number(year), Number(month), Number(day));
  const clock = secondsOfDay(Number(hour), Number(minute), Number(second));
  if (offset === undefined || date === undefined || clock === undefined) return undefined;
  const seconds = date * 86_400 + clock - offset * 60;
  return inRange(seconds * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0')));
}

function minutesOfZone(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function secondsOfDay(hour: number, minute: number, second: number): number | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return hour * 3_600 + minute * 60 + second;
}

/** Of the Gregorian calendar, from 1969: the last day of that year can be 1970 in UTC. */
function daysSinceEpoch(year: number, month: number, day: number): number | undefined {
  if (year < 1969) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  return Date.UTC(year, month - 1, day) / 86_400_000;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The last second written, and its text without fraction: most times lie close together. */
let writtenSecond = -1;
let writtenText = '';

/** `2026-11-23T12:00:00.000000Z`. Microseconds must be an integer from 0 to 2255. */
export function formatTime(micros: number): string {
  const fraction = micros % MICROS_PER_SECOND;
  const second = (micros - fraction) / MICROS_PER_SECOND;
  if (second !== writtenSecond) {
    writtenText = new Date(second * 1_000).toISOString().slice(0, -'.000Z'.length);
    writtenSecond = second;
  }
  return `${writtenText}.${String(MICROS_PER_SECOND + fraction).slice(1)}Z`;
}
