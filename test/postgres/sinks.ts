import { createSystemClock } from '../../src/runtime/system-clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { createPostgresSink, type PostgresSinkOptions } from '../../src/sinks/postgres/sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';

export const clock = createSystemClock();

/** Deadlines short enough for tests, long enough for a busy machine. */
export const shortDeadlines = { connectMs: 1_500, statementMs: 2_500 };

/** Keeps every line, so that a test can look for what must not be there. */
export function collectingLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (message: string, fields: object = {}): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { debug: say, info: say, warn: say, error: say, with: () => log };
  return { log, lines };
}

export function makeSink(url: string, changes: Partial<PostgresSinkOptions> = {}): Sink {
  return createPostgresSink({
    url,
    schema: 'mdp',
    migrate: true,
    sslmode: undefined,
    sslCa: undefined,
    retentionMs: undefined,
    compressAfterMs: undefined,
    workers: 2,
    clock,
    log: collectingLog().log,
    random: Math.random,
    deadlines: shortDeadlines,
    ...changes,
  });
}
