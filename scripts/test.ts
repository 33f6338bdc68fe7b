/**
 * Runs the whole `bun test`, or the files that the arguments name, shows its output, and ends with
 * one line for people and tools: `N passed, N failed`, with `, N skipped` when some were. A run in
 * which no test ran is a failure.
 */
import { summarize } from './summary.ts';

/** For one test. Generous: two cores may carry several runs; a hang is still found. */
const testTimeoutMs = 60_000;

const run = Bun.spawn({
  cmd: [process.execPath, 'test', `--timeout=${testTimeoutMs}`, ...Bun.argv.slice(2)],
  env: { ...process.env, ...(process.stderr.isTTY ? { FORCE_COLOR: '1' } : {}) },
  stdout: 'inherit',
  stderr: 'pipe',
});

let output = '';
const decoder = new TextDecoder();
for await (const chunk of run.stderr) {
  process.stderr.write(chunk);
  output += decoder.decode(chunk, { stream: true });
}

const { line, ok } = summarize(output, await run.exited);
console.log(line);
process.exitCode = ok ? 0 : 1;
