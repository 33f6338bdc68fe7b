/** What a run of `bun test` came to. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** The closing line of all runs together. */
export type Summary = { readonly line: string; readonly ok: boolean };

const ran = /^Ran \d+ tests? across \d+ files?\./;
const counted = /^ *(\d+) (pass|skip|todo|fail|filtered out|errors?|expect\(\) calls|snapshots.*)$/;

/**
 * Reads the counts from the last lines of `bun test`: ` 12 pass`, ` 1 skip`, ` 2 fail`, then `Ran
 * …`. Where they do not explain a bad exit code (a crash, a file that is not there), one failure is
 * counted.
 */
export function countsOf(output: string, exitCode: number): Counts {
  const lines = Bun.stripANSI(output).split('\n');
  const counts = new Map<string, number>();
  for (let at = lines.findLastIndex((line) => ran.test(line)) - 1; at >= 0; at--) {
    const [, count, word] = counted.exec(lines[at] ?? '') ?? [];
    if (count === undefined || word === undefined) break;
    counts.set(word, Number(count));
  }
  return {
    passed: counts.get('pass') ?? 0,
    failed: Math.max(counts.get('fail') ?? 0, exitCode === 0 ? 0 : 1),
    skipped: (counts.get('skip') ?? 0) + (counts.get('todo') ?? 0),
  };
}

/** Never looks good when a run was not, nor when no test ran in any. */
export function summarize(runs: readonly Counts[]): Summary {
  const sum = (name: keyof Counts): number => runs.reduce((all, run) => all + run[name], 0);
  const [passed, skipped] = [sum('passed'), sum('skipped')];
  const failed = Math.max(sum('failed'), passed === 0 ? 1 : 0);
  const tail = skipped > 0 ? `, ${skipped} skipped` : '';
  return { line: `${passed} passed, ${failed} failed${tail}`, ok: failed === 0 };
}
