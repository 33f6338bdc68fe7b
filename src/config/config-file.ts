import { checkLeaf, type Setting, shown } from './check-leaf.ts';
import { entriesOf, type Schema } from './describe.ts';
import { type ReadDocument, readDocument } from './document.ts';
import { isMap, unknownKeyText } from './known-keys.ts';
import { isListOfMaps, type Leaf, leafByKey, leaves } from './leaves.ts';
import { type Path, pathText } from './place.ts';
import type { Problem } from './problem.ts';
import { configSchema } from './schema.ts';

/** What one place says: sound settings by key, the keys of unsound ones, and all that is wrong. */
export type Layer = {
  readonly settings: ReadonlyMap<string, Setting>;
  readonly unsound: ReadonlySet<string>;
  readonly problems: readonly Problem[];
};

export const NOTHING: Layer = { settings: new Map(), unsound: new Set(), problems: [] };

/** Reads the text of a config.yaml; `file` is the name that problems carry. Never throws. */
export function readConfigFile(text: string, file: string): Layer {
  const document = readDocument(text, (line, column) => ({ kind: 'file', file, line, column }));
  const problems = [...document.problems];
  const said = new Map<Leaf, Setting>();
  readSection(configSchema, document.value, [], { document, problems, said });
  const layer = soundLayer(said, problems);
  return { ...layer, problems: layer.problems.toSorted(byPlace) };
}

function byPlace({ place: a }: Problem, { place: b }: Problem): number {
  if (a.kind !== 'file' || b.kind !== 'file') return 0;
  return a.line - b.line || a.column - b.column;
}

/** Splits what was said into what may be used and what is wrong with the rest. */
export function soundLayer(
  said: ReadonlyMap<Leaf, Setting>,
  earlier: readonly Problem[] = [],
): Layer {
  const settings = new Map<string, Setting>();
  const unsound = new Set<string>();
  const problems = [...earlier];
  for (const [leaf, setting] of said) {
    const faults = checkLeaf(leaf, setting);
    problems.push(...faults);
    if (faults.length === 0) settings.set(leaf.key, setting);
    else unsound.add(leaf.key);
  }
  return { settings, unsound, problems };
}

type Reading = {
  readonly document: ReadDocument;
  readonly problems: Problem[];
  readonly said: Map<Leaf, Setting>;
};

/** A section whose keys are all commented out is empty. */
function readSection(schema: Schema, value: unknown, path: Path, reading: Reading): void {
  const entries = entriesOf(schema);
  if (value === undefined || value === null || entries === undefined) return;
  if (!isMap(value)) {
    complain(
      reading,
      path,
      'value',
      `found ${shown(value)}; allowed: ${[...entries.keys()].join(', ')}, each with its value`,
    );
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    const entry = entries.get(key);
    const at = [...path, key];
    if (entry === undefined) {
      complain(reading, at, 'key', unknownKeyText(key, [...entries.keys()], homeOf(key)));
    } else if (entriesOf(entry) === undefined) sayLeaf(at, inner, reading);
    else readSection(entry, inner, at, reading);
  }
}

function sayLeaf(path: Path, value: unknown, { document, said }: Reading): void {
  const leaf = leafByKey.get(pathText(path));
  if (leaf === undefined || (value === null && isListOfMaps(leaf.schema))) return;
  said.set(leaf, { value, place: (below, of) => document.place([...path, ...below], of) });
}

/**
 * The full name of a setting whose last word is `key`: where a key in the wrong section belongs.
 */
function homeOf(key: string): string | undefined {
  return leaves.find(({ path }) => path.at(-1) === key)?.key;
}

function complain(reading: Reading, path: Path, of: 'key' | 'value', text: string): void {
  reading.problems.push({ place: reading.document.place(path, of), key: pathText(path), text });
}
