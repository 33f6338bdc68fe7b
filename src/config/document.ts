import {
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type YAMLError,
} from 'yaml';
import type { Path, Place } from './place.ts';
import type { Problem } from './problem.ts';

/**
 * A configuration's text as plain data that still knows where each value was written. Numbers keep YAML 1.2's meaning,
 * duplicate keys and unknown tags are refused, and merge keys (`<<`) are a key like any other.
 */
export type ReadDocument = {
  readonly value: unknown;
  /** Where the value at `path` begins, or its key; the nearest thing around it where it does not exist. */
  readonly place: (path: Path, of: 'key' | 'value') => Place;
  readonly problems: readonly Problem[];
};

/** Far above any real configuration: 10,000 symbols take 100 KiB. */
const MAX_CHARACTERS = 1024 * 1024;
/** What aliases may multiply, so that a few lines do not become gigabytes. */
const MAX_ALIASES = 100;

const cures: Readonly<Record<string, string>> = {
  BAD_INDENT: 'keys of one section begin in the same column',
  BAD_SCALAR_START: 'put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'one key a line; put text that contains ": " in quotes',
  DUPLICATE_KEY: 'keep one of the two',
  MULTIPLE_DOCS: 'keep one document; remove the line ---',
  TAB_AS_INDENT: 'indent with spaces',
};

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
    const complaints = [...document.errors, ...document.warnings];
    const problems = complaints.map((fault) => syntaxProblem(fault, spot(fault.pos[0])));
    const usable = complaints.every((fault) => fault.code === 'DUPLICATE_KEY');
    const value: unknown = usable ? document.toJS({ maxAliasCount: MAX_ALIASES }) : undefined;
    return { value, place: (path, of) => spot(offsetOf(document, path, of)), problems };
  } catch (error) {
    // Nothing is lost: the document is refused with what the parser says (an alias without anchor, too deep, too many).
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return nothing(`not readable as YAML: ${reason}`);
  }
}

function syntaxProblem(fault: YAMLError, place: Place): Problem {
  const cure = cures[fault.code] ?? 'check quotes, brackets, colons and indentation here';
  return { place, key: '', text: `not valid YAML: ${fault.message}; ${cure}` };
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
