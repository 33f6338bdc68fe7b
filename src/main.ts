/**
 * The executable: signals first, then argv to command to exit code. The only `process.exit` in the
 * program. What no command caught is a broken invariant of ours: it is told whole, and the process
 * ends loudly.
 */
import type { CommandContext } from './commands/context.ts';

const finish = new AbortController();
const stop = new AbortController();
const onSignal = (): void => (finish.signal.aborted ? stop.abort() : finish.abort());
process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);
const hangup = new EventTarget();
process.on('SIGHUP', () => hangup.dispatchEvent(new Event('hangup')));
const fail = (error: unknown): never => {
  console.error(error);
  process.exit(1);
};
// Bun goes on behind an error that nobody caught for as long as this module waits.
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

const { runCommandLine } = await import('./commands/commands.ts');
const { processOutput } = await import('./commands/process-output.ts');
const { createSystemClock } = await import('./runtime/system-clock.ts');

const context: CommandContext = {
  clock: createSystemClock(),
  stdout: processOutput(1),
  stderr: processOutput(2),
  finish: finish.signal,
  stop: stop.signal,
  hangup,
};

try {
  process.exit(await runCommandLine(process.argv.slice(2), context));
} catch (error) {
  fail(error);
}
