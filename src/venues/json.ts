/**
 * JSON from a venue: a frame's text to an object, or why it is none. Never throws, whatever the
 * text is. Numbers come either as JavaScript numbers (fast; for venues that send prices as strings)
 * or as the digits that stood in the frame.
 */
import type { UndecodableReason } from './venue.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

declare global {
  interface JSON {
    /**
     * With the source text of primitive values: https://tc39.es/proposal-json-parse-with-source/
     */
    parse(text: string, reviver: Reviver): unknown;
  }
}

/** A number as it was written; everything else as it is. */
const digits: Reviver = (_key, value, { source }) => (typeof value === 'number' ? source : value);

/** The object in `frame`. Integers beyond 2^53 lose digits: see `losesDigits`. */
export function parseObject(frame: string): JsonObject | UndecodableReason {
  return parse(frame, undefined);
}

/**
 * The object in `frame` with every number as its text: `97000.10` stays `97000.10`, `5e-8` stays
 * `5e-8`.
 */
export function parseObjectExactly(frame: string): JsonObject | UndecodableReason {
  return parse(frame, digits);
}

function parse(frame: string, reviver: Reviver | undefined): JsonObject | UndecodableReason {
  let value: unknown;
  try {
    value = reviver === undefined ? JSON.parse(frame) : JSON.parse(frame, reviver);
  } catch (error) {
    // Nothing is lost: the caller counts the frame under this reason.
    if (error instanceof RangeError) return 'too_deep';
    return frame.trim() === '' ? 'empty' : 'not_json';
  }
  return isObject(value) ? value : 'not_object';
}

/** Whether `parseObject` could not hold this number; `parseObjectExactly` can. */
export function losesDigits(value: unknown): boolean {
  return typeof value === 'number' && !Number.isSafeInteger(value);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
