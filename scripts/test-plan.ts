/**
 * Which test files run beside others, and which alone. Most wait for servers, sockets and timers
 * more than they compute, so two at once finish in little more than half the time. Files that hold
 * the program to tight times, or the machine to its speed, come after, with nothing beside them.
 */
import { normalize } from 'node:path';

/** What their paths begin with. */
export const ALONE: readonly string[] = [
  'src/market/decimal.test.ts',
  'test/deploy/monitoring.test.ts',
  'test/e2e/kill.test.ts',
  'test/e2e/run.test.ts',
  'test/fault/database-away.test.ts',
  'test/fault/postgres-connection.test.ts',
  'test/fault/venue-',
];

const NOT_OURS = /(^|\/)(node_modules|\.cache|\.git|dist)\//;
/** Options of `bun test` whose value is a word of its own. */
const WITH_VALUE = new Set(['-t', '--test-name-pattern', '--seed', '--timeout', '--rerun-each']);

export type Plan = {
  readonly together: readonly string[];
  readonly alone: readonly string[];
  /** For `bun test`, as they were given. */
  readonly options: readonly string[];
};

const isAlone = (file: string): boolean => ALONE.some((path) => file.startsWith(path));

/** Every test file under `root`, sorted. */
export const testFiles = (root: string): readonly string[] =>
  [...new Bun.Glob('**/*.test.ts').scanSync({ cwd: root })]
    .filter((path) => !NOT_OURS.test(path))
    .toSorted();

/**
 * What `args` asks for: parts of paths of which a file must have one, and options of `bun test`,
 * with which all files run one after the other.
 */
export const planOf = (files: readonly string[], args: readonly string[]): Plan => {
  const options: string[] = [];
  const filters: string[] = [];
  for (const [at, word] of args.entries()) {
    const isValue = WITH_VALUE.has(args[at - 1] ?? '');
    (isValue || word.startsWith('-') ? options : filters).push(word);
  }
  const wanted = files.filter(
    (file) => filters.length === 0 || filters.some((part) => file.includes(normalize(part))),
  );
  if (options.length > 0) return { together: [], alone: wanted, options };
  return {
    together: wanted.filter((file) => !isAlone(file)),
    alone: wanted.filter((file) => isAlone(file)),
    options,
  };
};
