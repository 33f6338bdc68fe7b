import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { Path, Place } from './place.ts';
import type { Problem } from './problem.ts';

/**
 * A configuration's text as plain data that still knows where each value was written. Numbers keep
 * YAML 1.2's meaning, duplicate keys and unknown tags are refused, and merge keys (`<<`) are a key
 * like any other.
 */
export type ReadDocument = {
  readonly value: unknown;
  /**
   * Where the value at `path` begins, or its key; the nearest thing around it where it does not
   * exist.
   */
  readonly place: (path: Path, of: 'key' | 'value') => Place;
  readonly problems: readonly Problem[];
};

/** Far above any real configuration: 10,000 symbols take 100 KiB. */
const MAX_CHARACTERS = 1024 * 1024;
/** What aliases may multiply, so that a few lines do not become gigabytes. */
const MAX_ALIASES = 100;

/** What the parser would say on standard error, and check slowly, is a problem here or harmless. */
const quiet = { prettyErrors: false, logLevel: 'error', uniqueKeys: false } as const;

/** Said in our words, as the parser's may quote the line, and a secret with it. */
const complaints: Readonly<Partial<Record<string, string>>> = {
  BAD_DQ_ESCAPE:
    'found an unknown escape; in double quotes write \\\\ for a backslash, or use single quotes',
  BAD_INDENT:
    'found a wrong indentation; keys of one section begin in the same column, lists end with ]',
  BAD_SCALAR_START: 'found text that begins with a reserved character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'found a second ": " in the line; one key a line, and such text in quotes',
  MISSING_CHAR: 'found no end of a quoted text or list; close it',
  MULTIPLE_DOCS: 'found a second document; remove the line ---',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'found a tab; indent with spaces',
  TAG_RESOLVE_FAILED: 'found text that begins with !; put it in quotes',
};
const DOUBLED = 'found the same key twice; keep one of the two';
const COMPLAINT =
  'found something that YAML cannot read; check quotes, brackets, colons and indentation';

/** Reads YAML (or JSON, which is YAML); `at` makes a place of line and column. Never throws. */
export function readDocument(
  text: string,
  at: (line: number, column: number) => Place,
): ReadDocument {
  const start = at(1, 1);
  const nothing = (complaint: string): ReadDocument => ({
    value: undefined,
    place: () => start,
    problems: [{ place: start, key: '', text: complaint }],
  });
  if (text.length > MAX_CHARACTERS) return nothing(`longer than ${MAX_CHARACTERS} characters`);
  const lines = new LineCounter();
  const spot = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return at(Math.max(1, line), Math.max(1, col));
  };
  try {
    const document = parseDocument(text, { ...quiet, lineCounter: lines });
    const [fault] = [...document.errors, ...document.warnings];
    const problem = (offset: number, complaint: string): Problem => ({
      place: spot(offset),
      key: '',
      text: complaint,
    });
    const problems = [
      // The others mostly follow from it.
      ...(fault === undefined ? [] : [problem(fault.pos[0], complaints[fault.code] ?? COMPLAINT)]),
      ...doubledKeys(document).map((offset) => problem(offset, DOUBLED)),
    ];
    const value: unknown =
      fault === undefined ? document.toJS({ maxAliasCount: MAX_ALIASES }) : undefined;
    const index = new Index();
    return { value, place: (path, of) => spot(offsetOf(document, path, of, index)), problems };
  } catch (error) {
    // Nothing is lost: the document is refused. What is thrown is about the stack or about aliases.
    return nothing(
      error instanceof RangeError
        ? 'nested too deeply'
        : 'found an alias (*) without its anchor (&), or too many',
    );
  }
}

/**
 * Where keys stand that their map has already. The parser's own check looks for each key in all of
 * them, and its own walk copies the way to each node: either takes minutes for some files.
 */
function doubledKeys({ contents }: Document): readonly number[] {
  const offsets: number[] = [];
  const waiting: unknown[] = [contents];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (isSeq(node)) for (const item of node.items) waiting.push(item);
    if (!isMap(node)) continue;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      waiting.push(key, value);
      const text = isScalar(key) ? String(key.value) : undefined;
      if (text === undefined) continue;
      if (seen.has(text)) offsets.push(rangeOf(key) ?? 0);
      seen.add(text);
    }
  }
  return offsets.toSorted((first, second) => first - second);
}

/** Where the deepest node on the way along `path` begins; 0 where there is none. */
function offsetOf({ contents }: Document, path: Path, of: 'key' | 'value', index: Index): number {
  let offset = contents?.range?.[0] ?? 0;
  let node: unknown = contents;
  for (const [at, step] of path.entries()) {
    const pair = isMap(node) ? index.pairOf(node, String(step)) : undefined;
    const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
    node = pair === undefined ? item : pair.value;
    const [key, range] = [rangeOf(pair?.key), rangeOf(node)];
    const wanted = at === path.length - 1 && of === 'key' ? (key ?? range) : (range ?? key);
    if (wanted === undefined) return offset;
    offset = wanted;
  }
  return offset;
}

/** The pairs of maps by their keys: to look for each of thousands in all of them takes minutes. */
class Index {
  readonly #maps = new Map<YAMLMap, ReadonlyMap<string, Pair>>();

  pairOf(map: YAMLMap, key: string): Pair | undefined {
    let pairs = this.#maps.get(map);
    if (pairs === undefined) {
      // The first of doubled keys is the one that is found.
      pairs = new Map(map.items.toReversed().map((pair) => [keyText(pair), pair]));
      this.#maps.set(map, pairs);
    }
    return pairs.get(key);
  }
}

const keyText = ({ key }: Pair): string => (isScalar(key) ? String(key.value) : '');

function rangeOf(node: unknown): number | undefined {
  if (isCollection(node) || isScalar(node)) return node.range?.[0];
  return undefined;
}
