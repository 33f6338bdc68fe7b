import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type YAMLError,
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

/** Said in our words, as the parser's may quote the line, and a secret with it. */
const complaints: Readonly<Partial<Record<string, string>>> = {
  BAD_DQ_ESCAPE:
    'found an unknown escape; in double quotes write \\\\ for a backslash, or use single quotes',
  BAD_INDENT:
    'found a wrong indentation; keys of one section begin in the same column, lists end with ]',
  BAD_SCALAR_START: 'found text that begins with a reserved character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'found a second ": " in the line; one key a line, and such text in quotes',
  DUPLICATE_KEY: 'found the same key twice; keep one of the two',
  MISSING_CHAR: 'found no end of a quoted text or list; close it',
  MULTIPLE_DOCS: 'found a second document; remove the line ---',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'found a tab; indent with spaces',
  TAG_RESOLVE_FAILED: 'found text that begins with !; put it in quotes',
};
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
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const faults = worthTelling([...document.errors, ...document.warnings]);
    const problems = faults.map(({ code, pos }) => ({
      place: spot(pos[0]),
      key: '',
      text: complaints[code] ?? COMPLAINT,
    }));
    const usable = faults.every(isDuplicate);
    const value: unknown = usable ? document.toJS({ maxAliasCount: MAX_ALIASES }) : undefined;
    return { value, place: (path, of) => spot(offsetOf(document, path, of)), problems };
  } catch (error) {
    // Nothing is lost: the document is refused. What is thrown is about the stack or about aliases.
    return nothing(
      error instanceof RangeError
        ? 'nested too deeply'
        : 'found an alias (*) without its anchor (&), or too many',
    );
  }
}

/** Every doubled key, and the first fault of another kind: those after it mostly follow from it. */
function worthTelling(faults: readonly YAMLError[]): readonly YAMLError[] {
  const first = faults.find((fault) => !isDuplicate(fault));
  return faults.filter((fault) => fault === first || isDuplicate(fault));
}

function isDuplicate({ code }: YAMLError): boolean {
  return code === 'DUPLICATE_KEY';
}

/** Where the deepest node on the way along `path` begins; 0 where there is none. */
function offsetOf(document: Document, path: Path, of: 'key' | 'value'): number {
  let offset = document.contents?.range?.[0] ?? 0;
  let node: unknown = document.contents;
  for (const [index, step] of path.entries()) {
    const key = keyRange(node, step);
    node = isCollection(node) ? node.get(step, true) : undefined;
    const range = rangeOf(node);
    const wanted = index === path.length - 1 && of === 'key' ? (key ?? range) : (range ?? key);
    if (wanted === undefined) return offset;
    offset = wanted;
  }
  return offset;
}

function keyRange(node: unknown, step: string | number): number | undefined {
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return rangeOf(pair?.key);
}

function rangeOf(node: unknown): number | undefined {
  if (isCollection(node) || isScalar(node)) return node.range?.[0];
  return undefined;
}
