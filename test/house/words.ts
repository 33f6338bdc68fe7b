/** Names that say nothing, marks that promise work for later, rules silenced without a word. */
import type { Fault, File } from './tree.ts';

const emptyNames = new Set(
  ['util', 'common', 'helper', 'manager', 'service', 'core', 'orchestrator', 'misc'].flatMap(
    (name) => [name, `${name}s`],
  ),
);

/** Folders and files one of whose words is empty: `utils/`, `sink-manager.ts`. */
export function emptyWords(paths: readonly string[]): Fault[] {
  return paths.flatMap((path) => {
    const empty = path.split(/[/.\-_]/).find((word) => emptyNames.has(word.toLowerCase()));
    return empty === undefined ? [] : [`${path}: '${empty}' says nothing: name what it does`];
  });
}

const postponed = /\b(TODO|FIXME|XXX|HACK)\b/;
const focused = /\b(test|it|describe)\.only\(/;

/** Marks of unfinished work, and tests that silence the others. */
export function unfinishedMarks(files: readonly File[]): Fault[] {
  return faultyLines(files, (line) => {
    const mark = postponed.exec(line)?.[0] ?? focused.exec(line)?.[0];
    return mark === undefined ? undefined : `${mark}: do it, or open an issue`;
  });
}

const silenced = /\b(?:ox|es)lint-disable(?:-next-line|-line)?\b/;
const silencedWithReason = /lint-disable(?:-next-line|-line)? [\w/, -]*\w -- \S/;

/** Lint rules switched off in the code without naming the rule and, after `--`, the reason. */
export function silencedRules(files: readonly File[]): Fault[] {
  return faultyLines(files, (line) =>
    silenced.test(line) && !silencedWithReason.test(line)
      ? 'name the rule and say why: oxlint-disable-next-line RULE -- REASON'
      : undefined,
  );
}

function faultyLines(files: readonly File[], judge: (line: string) => string | undefined): Fault[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const fault = judge(line);
      return fault === undefined ? [] : [`${path}:${index + 1}: ${fault}`];
    }),
  );
}
