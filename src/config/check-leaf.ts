import * as v from 'valibot';
import { withoutSecrets } from '../runtime/without-secrets.ts';
import { allowed, choicesOf, itemOf, type Schema, unwrapped, variantsOf } from './describe.ts';
import { keysOf, knownKeysOnly, partOf, unknownKeyText } from './known-keys.ts';
import type { Leaf } from './leaves.ts';
import { nearest } from './nearest.ts';
import { type Path, pathText, type Place } from './place.ts';
import type { Problem } from './problem.ts';
import { HIDDEN, isSecret } from './secrets.ts';

/** What one layer says about one leaf. */
export type Setting = {
  readonly value: unknown;
  /** Where the part of the value at `path` was said, or its key. */
  readonly place: (path: Path, of: 'key' | 'value') => Place;
};

const MAX_SHOWN_CHARACTERS = 60;

/** Leaves messages to us where the schema has none, and says one thing about a value. */
const ownWords = { message: () => '', abortPipeEarly: true };

/** All that is wrong with what was said about a leaf. */
export function checkLeaf(leaf: Leaf, setting: Setting): readonly Problem[] {
  const problems: Problem[] = [];
  const known = knownKeysOnly(leaf.schema, setting.value, (unknown) => {
    const { path } = unknown;
    const text = unknownKeyText(String(path.at(-1)), unknown.known);
    const key = pathText([...leaf.path, ...path]);
    problems.push({ place: setting.place(path, 'key'), key, text });
  });
  const { issues = [] } = v.safeParse(leaf.schema, known, ownWords);
  return [...problems, ...issues.map((issue) => issueProblem(leaf, setting, issue))];
}

/** A value as it may stand in a message: short, one line, no password. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return cut(JSON.stringify(withoutSecrets(value)));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return 'keys with values';
  const scalars = value.every((item) => typeof item !== 'object');
  return scalars ? cut(`[${value.map(shown).join(', ')}]`) : `a list of ${value.length}`;
}

function cut(text: string): string {
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

function issueProblem(leaf: Leaf, setting: Setting, issue: v.BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  const { schema, value } = descend(leaf.schema, setting.value, path);
  const cure = issue.message === '' ? cureText(schema, value) : issue.message;
  const text = isSecret(leaf.key)
    ? `found a value that is not shown; ${withoutValue(cure, value)}`
    : `found ${shown(value)}; ${cure}`;
  return { place: setting.place(path, 'value'), key: pathText([...leaf.path, ...path]), text };
}

function cureText(schema: Schema, value: unknown): string {
  const meant = typeof value === 'string' ? nearest(value, choicesOf(schema)) : undefined;
  const question = meant === undefined ? '' : `did you mean ${meant}? `;
  const quotes = isQuoted(schema, value) ? ', without quotes' : '';
  return `${question}allowed: ${allowed(schema)}${quotes}`;
}

/** Whether it is a number or truth value that was written as text. */
function isQuoted(schema: Schema, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const { type } = unwrapped(schema);
  return type === 'number'
    ? /^-?\d+$/.test(value)
    : type === 'boolean' && /^(true|false)$/.test(value);
}

function withoutValue(text: string, value: unknown): string {
  return typeof value === 'string' && value !== '' ? text.replaceAll(value, HIDDEN) : text;
}

/** The schema and the value at `path`, as far as the schema goes. */
function descend(schema: Schema, value: unknown, path: Path): { schema: Schema; value: unknown } {
  let at = schema;
  let inner = value;
  for (const step of path) {
    const next = typeof step === 'number' ? itemOf(at) : entryOf(at, inner, step);
    inner = partOf(inner, step);
    if (next === undefined) return { schema: at, value: inner };
    at = next;
  }
  return { schema: at, value: inner };
}

/**
 * The schema of one key of a map; of the key that tells kinds apart, even where the kind does not
 * exist.
 */
function entryOf(schema: Schema, value: unknown, key: string): Schema | undefined {
  const variants = variantsOf(schema);
  if (variants?.discriminator === key) return v.picklist([...variants.byName.keys()]);
  return keysOf(schema, value)?.get(key);
}
