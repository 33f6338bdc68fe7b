/** The closing line of a test run. */
export type Summary = { readonly line: string; readonly ok: boolean };

const ran = /^Ran \d+ tests? across \d+ files?\./;
const counted = /^ *(\d+) (pass|skip|todo|fail|filtered out|errors?|expect\(\) calls|snapshots.*)$/;

/**
 * Reads the counts from the last lines of `bun test`: ` 12 pass`, ` 1 skip`, ` 2 fail`, then `Ran
 * …`. Where they do not explain a bad exit code (a crash, a filter that names no file), one failure
 * is counted: the line never looks good when the run was not.
 */
export function summarize(output: string, exitCode: number): Summary {
  const lines = Bun.stripANSI(output).split('\n');
  const counts = new Map<string, number>();
  for (let at = lines.findLastIndex((line) => ran.test(line)) - 1; at >= 0; at--) {
    const [, count, word] = counted.exec(lines[at] ?? '') ?? [];
    if (count === undefined || word === undefined) break;
    counts.set(word, Number(count));
  }
  const passed = counts.get('pass') ?? 0;
  const skipped = (counts.get('skip') ?? 0) + (counts.get('todo') ?? 0);
  const ok = exitCode === 0 && passed > 0;
  const failed = Math.max(counts.get('fail') ?? 0, ok ? 0 : 1);
  const tail = skipped > 0 ? `, ${skipped} skipped` : '';
  return { line: `${passed} passed, ${failed} failed${tail}`, ok: ok && failed === 0 };
}
