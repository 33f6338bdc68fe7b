import { microsFromNanos, microsFromSeconds, receiveTime } from '../market/time.ts';
import type { ReceiveTime } from '../market/time.ts';

/** One line of a recording. `conn` names the connection; the hft form has one, without a name. */
export type RecordedLine =
  | { readonly kind: 'connect'; readonly at: ReceiveTime; readonly conn: string }
  | {
      readonly kind: 'frame';
      readonly at: ReceiveTime;
      readonly conn: string;
      readonly text: string;
    }
  | { readonly kind: 'skipped' };

/** The connection of files in the hft form. */
export const HFT = '';

const SKIPPED = { kind: 'skipped' } as const;
/** The time is read from the text: as a number its microseconds are not exact in every form. */
const SECONDS = /^\{\s*"ts"\s*:\s*"?(\d+(?:\.\d+)?)/;
/** Digits of a receive time that the hft form has: µs until the year 2286, ns likewise. */
const MICROS_DIGITS = 16;
const NANOS_DIGITS = 19;

/**
 * Reads a line of either form: `{"ts":<unix s>,"t":"recv"|"send"|"connect","conn":…,"data":…}`
 * or `<µs or ns> <frame>`. Blank lines and what was sent are skipped; undefined for anything else.
 */
export const readLine = (line: string): RecordedLine | undefined => {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.trim() === '') return SKIPPED;
  return text.startsWith('{') ? readSession(text) : readHft(text);
};

const readSession = (line: string): RecordedLine | undefined => {
  const seconds = SECONDS.exec(line)?.[1];
  const at = seconds === undefined ? undefined : microsFromSeconds(seconds);
  const parsed = parseObject(line);
  if (at === undefined || parsed === undefined) return undefined;
  const { t, data } = parsed;
  const conn = typeof parsed.conn === 'string' ? parsed.conn : 'ws';
  if (t === 'connect') return { kind: 'connect', at: receiveTime(at), conn };
  if (t === 'send') return SKIPPED;
  if (t !== 'recv' || typeof data !== 'string') return undefined;
  return { kind: 'frame', at: receiveTime(at), conn, text: data };
};

const parseObject = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    // A garbled or truncated line; the caller counts it and names file and line.
    return undefined;
  }
};

const readHft = (line: string): RecordedLine | undefined => {
  const space = line.indexOf(' ');
  const digits = line.slice(0, space);
  if (space <= 0 || !/^\d+$/.test(digits)) return undefined;
  const at = microsOf(digits);
  if (at === undefined) return undefined;
  return { kind: 'frame', at: receiveTime(at), conn: HFT, text: line.slice(space + 1) };
};

const microsOf = (digits: string): number | undefined => {
  if (digits.length === MICROS_DIGITS) return Number(digits);
  return digits.length === NANOS_DIGITS ? microsFromNanos(digits) : undefined;
};
