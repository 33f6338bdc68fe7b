/** What fits a screen and a head. Functions are measured by the linter (max-lines-per-function). */
import type { Fault, File } from './tree.ts';

export const maxFileLines = 500;
export const maxColumns = 100;

const address = /https?:\/\/\S{60,}/;

/** Files that are too long, and lines that are too wide; a line may be wide for an address. */
export function wrongSizes(files: readonly File[]): Fault[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, '').split('\n');
    const long = lines.length > maxFileLines ? [`${path}: ${lines.length} lines: split it`] : [];
    const wide = lines.flatMap((line, index) =>
      line.length > maxColumns && !address.test(line)
        ? [`${path}:${index + 1}: ${line.length} columns: at most ${maxColumns}`]
        : [],
    );
    return [...long, ...wide];
  });
}
