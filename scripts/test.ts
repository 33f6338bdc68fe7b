/**
 * Runs all tests, or those of the files that the arguments name, shows their output, and ends with
 * one line for people and tools: `N passed, N failed`, with `, N skipped` when some were. A run in
 * which no test ran is a failure.
 */
import { join } from 'node:path';
import { countsOf, summarize, type Counts } from './summary.ts';
import { planOf, testFiles } from './test-plan.ts';

/** For one test. Generous: two cores may carry several runs; a hang is still found. */
const testTimeoutMs = 60_000;
const root = join(import.meta.dir, '..');

/** `bun test` with these options on these files, in sight of the user. */
const run = async (
  options: readonly string[],
  files: readonly string[],
): Promise<readonly Counts[]> => {
  if (files.length === 0) return [];
  const paths = files.map((file) => `./${file}`);
  const child = Bun.spawn({
    cmd: [process.execPath, 'test', `--timeout=${testTimeoutMs}`, ...options, ...paths],
    cwd: root,
    env: { ...process.env, ...(process.stderr.isTTY ? { FORCE_COLOR: '1' } : {}) },
    stdout: 'inherit',
    stderr: 'pipe',
  });
  let output = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return [countsOf(output, await child.exited)];
};

const words = Bun.argv.slice(2);
const { together, alone, options } = planOf(testFiles(root), words);
if (together.length + alone.length === 0) {
  console.error(`no path of a test file has ${words.join(' or ')} in it`);
}
// Without isolation a worker keeps what its files share: a database server, the build.
const beside = await run(['--parallel=2', '--no-isolate'], together);
const { line, ok } = summarize([...beside, ...(await run(options, alone))]);
console.log(line);
process.exitCode = ok ? 0 : 1;
