import type * as v from 'valibot';

/**
 * What can be learnt from a setting's schema: its keys, its default, its sentence, and in words
 * what it allows. The only place that looks inside valibot's objects; a schema that it does not
 * know is still checked, only described less well.
 */
export type Schema = v.GenericSchema;

export type Variants = {
  readonly discriminator: string;
  readonly byName: ReadonlyMap<string, Schema>;
};

/** The schema inside `optional`. */
export function unwrapped(schema: Schema): Schema {
  const inner = field(schema, 'wrapped');
  return isSchema(inner) ? unwrapped(inner) : schema;
}

/** The keys of a map; undefined for anything else. */
export function entriesOf(schema: Schema): ReadonlyMap<string, Schema> | undefined {
  const entries = field(unwrapped(schema), 'entries');
  if (!isObject(entries)) return undefined;
  const known = new Map<string, Schema>();
  for (const [key, entry] of Object.entries(entries)) if (isSchema(entry)) known.set(key, entry);
  return known;
}

/** The schema of a list's items; undefined for anything else. */
export function itemOf(schema: Schema): Schema | undefined {
  const item = field(unwrapped(schema), 'item');
  return isSchema(item) ? item : undefined;
}

/** The alternatives of a union or variant, none for anything else. */
function optionsOf(schema: Schema): readonly Schema[] {
  const options = field(unwrapped(schema), 'options');
  return Array.isArray(options) ? options.filter(isSchema) : [];
}

/** The kinds of a map that one of its keys tells apart; undefined for anything else. */
export function variantsOf(schema: Schema): Variants | undefined {
  const discriminator = field(unwrapped(schema), 'key');
  if (typeof discriminator !== 'string') return undefined;
  const byName = new Map<string, Schema>();
  for (const option of optionsOf(schema)) {
    const name = entriesOf(option)?.get(discriminator);
    for (const choice of name === undefined ? [] : choicesOf(name)) byName.set(choice, option);
  }
  return { discriminator, byName };
}

/** The words that a picklist or literal allows, none for anything else. */
export function choicesOf(schema: Schema): readonly string[] {
  const inner = unwrapped(schema);
  if (inner.type === 'literal') return [String(field(inner, 'literal'))];
  const options = inner.type === 'picklist' ? field(inner, 'options') : undefined;
  return Array.isArray(options) ? options.map(String) : [];
}

/**
 * What stands for the value where none is given, in the form of config.yaml; undefined where
 * nothing does.
 */
export function defaultOf(schema: Schema): unknown {
  return field(schema, 'default');
}

/** The sentence that says what the setting is for. */
export function descriptionOf(schema: Schema): string {
  return noted(schema, (step) => field(step, 'description')) ?? '';
}

/** Of `ms`, `bytes`, `rows`, …; undefined where the setting counts nothing. */
function unitOf(schema: Schema): string | undefined {
  return noted(schema, (step) => metadata(step, 'unit'));
}

/** Whether a size in bytes may also be written like `4MiB`. */
export function takesSizeText(schema: Schema): boolean {
  return unitOf(schema) === 'bytes' && optionsOf(schema).some(({ type }) => type === 'string');
}

/** What is allowed, in words: `an integer from 1 to 65536`. */
export function allowed(schema: Schema): string {
  const told = noted(schema, (step) => metadata(step, 'allowed'));
  if (told !== undefined) return told;
  const inner = unwrapped(schema);
  const [choice, ...others] = choicesOf(inner);
  if (choice !== undefined) {
    return others.length === 0 ? choice : `one of ${[choice, ...others].join(', ')}`;
  }
  const item = itemOf(inner);
  if (item !== undefined) return `a list${lengths(inner)}, each ${allowed(item)}`;
  if (variantsOf(inner) === undefined && optionsOf(inner).length > 0) {
    return optionsOf(inner).map(allowed).join(', or ');
  }
  return `${kindText(inner)}${bounds(inner)}`;
}

function kindText(schema: Schema): string {
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'number':
      return check(schema, 'integer') === undefined ? 'a number' : 'an integer';
    case 'string':
      return `text${check(schema, 'non_empty') === undefined ? '' : ' that is not empty'}`;
    default:
      return 'keys with values';
  }
}

/** ` from 1 to 5`, ` of at least 1`, or nothing. */
function bounds(schema: Schema): string {
  const least = requirement(schema, 'min_value');
  const most = requirement(schema, 'max_value');
  if (least === undefined) return most === undefined ? '' : ` of at most ${most}`;
  return most === undefined ? ` of at least ${least}` : ` from ${least} to ${most}`;
}

/** ` of 1 to 5`, ` of at least 1`, or nothing. */
function lengths(schema: Schema): string {
  const least = requirement(schema, 'min_length') ?? 0;
  const most = requirement(schema, 'max_length');
  if (most !== undefined) return ` of ${least} to ${most}`;
  return least === 0 ? '' : ` of at least ${least}`;
}

function requirement(schema: Schema, type: string): number | undefined {
  const asked = field(check(schema, type) ?? {}, 'requirement');
  return typeof asked === 'number' ? asked : undefined;
}

/** The check of this type in a schema's pipe. */
function check(schema: Schema, type: string): object | undefined {
  return steps(schema).find((step) => field(step, 'type') === type);
}

/** The last answer along a schema's pipe, else along that of what it wraps. */
function noted(schema: Schema, ask: (step: object) => unknown): string | undefined {
  const answer = steps(schema)
    .map(ask)
    .findLast((text) => typeof text === 'string');
  if (typeof answer === 'string') return answer;
  const inner = field(schema, 'wrapped');
  return isSchema(inner) ? noted(inner, ask) : undefined;
}

function metadata(step: object, name: string): unknown {
  const notes = field(step, 'metadata');
  return isObject(notes) ? field(notes, name) : undefined;
}

/** The steps of a pipe, in order, those of pipes inside it in their place. */
function steps(schema: object): readonly object[] {
  const pipe = field(schema, 'pipe');
  if (!Array.isArray(pipe)) return [];
  return pipe.filter(isObject).flatMap((step) => [...steps(step), step]);
}

function field(of: object, name: string): unknown {
  return Reflect.get(of, name);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isSchema(value: unknown): value is Schema {
  return isObject(value) && field(value, 'kind') === 'schema';
}
