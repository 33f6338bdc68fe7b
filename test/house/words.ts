/** Names that say nothing, and marks that promise work for later. */
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
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const mark = postponed.exec(line)?.[0] ?? focused.exec(line)?.[0];
      return mark === undefined ? [] : [`${path}:${index + 1}: ${mark}: do it, or open an issue`];
    }),
  );
}
