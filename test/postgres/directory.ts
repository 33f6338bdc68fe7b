import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Waits for the end of its input, which comes when this process ends however it ends; then ends the
 * server whose data the directory holds, if any, and removes the directory.
 */
const caretaker = `
  cat > /dev/null
  pid=$(head -n 1 "$0/postmaster.pid" 2> /dev/null)
  if [ -n "$pid" ]; then
    kill -CONT "$pid" 2> /dev/null
    kill -QUIT "$pid" 2> /dev/null
    tries=0
    while kill -0 "$pid" 2> /dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -KILL "$pid" 2> /dev/null
  fi
  rm -rf "$0"`;

/**
 * A directory for a server's data that does not outlive this process: `bun test` runs no exit
 * handlers, and a killed one could not.
 */
export class DataDirectory {
  readonly path: string;
  readonly #caretaker: Bun.Subprocess<'pipe', 'ignore', 'ignore'>;

  constructor(prefix: string, parent = tmpdir()) {
    mkdirSync(parent, { recursive: true });
    this.path = mkdtempSync(join(parent, prefix));
    this.#caretaker = Bun.spawn(['setsid', 'sh', '-c', caretaker, this.path], {
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
    });
    this.#caretaker.unref();
  }

  async remove(): Promise<void> {
    await this.#caretaker.stdin.end();
    await this.#caretaker.exited;
  }
}
