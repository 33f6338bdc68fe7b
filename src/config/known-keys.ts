import { entriesOf, itemOf, type Schema, variantsOf } from './describe.ts';
import { nearest } from './nearest.ts';
import type { Path } from './place.ts';

/** A key that the schema does not have, and those that it has there. */
export type UnknownKey = { readonly path: Path; readonly known: readonly string[] };

/** The value without the keys that its schema does not know, at any depth; each is reported. */
export function knownKeysOnly(
  schema: Schema,
  value: unknown,
  report: (unknown: UnknownKey) => void,
  path: Path = [],
): unknown {
  const item = itemOf(schema);
  if (Array.isArray(value)) {
    if (item === undefined) return value;
    return value.map((inner: unknown, index) =>
      knownKeysOnly(item, inner, report, [...path, index]),
    );
  }
  const keys = keysOf(schema, value);
  if (keys === undefined || !isMap(value)) return value;
  const known: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const entry = keys.get(key);
    if (entry === undefined) report({ path: [...path, key], known: [...keys.keys()] });
    else known.push([key, knownKeysOnly(entry, inner, report, [...path, key])]);
  }
  return Object.fromEntries(known);
}

/**
 * The keys that a map may have; undefined for what is no map, or a kind of map that does not exist.
 */
export function keysOf(schema: Schema, value: unknown): ReadonlyMap<string, Schema> | undefined {
  const variants = variantsOf(schema);
  if (variants === undefined) return entriesOf(schema);
  const kind = partOf(value, variants.discriminator);
  const option = typeof kind === 'string' ? variants.byName.get(kind) : undefined;
  return option === undefined ? undefined : entriesOf(option);
}

/** The own part of a list or map; undefined where it has none. */
export function partOf(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined;
  return isMap(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

export function isMap(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `unknown key; did you mean flush_ms? allowed: batch_size, flush_ms`. */
export function unknownKeyText(key: string, known: readonly string[], elsewhere?: string): string {
  const meant = nearest(key, known) ?? elsewhere;
  const question = meant === undefined ? '' : ` did you mean ${meant}?`;
  return `unknown key;${question} allowed: ${known.join(', ')}`;
}
