import { MdpError } from '../../src/runtime/errors.ts';
import type { Batch, Committed, SinkWorker } from '../../src/sinks/sink.ts';
import { execute } from './server.ts';

export type Outcome = {
  readonly committed: Committed;
  /** What was thrown on the way, in order. */
  readonly errors: readonly MdpError[];
};

const never = new AbortController().signal;
const pauseMs = 50;

/**
 * What the pipeline does with a batch: holds it and commits it again until it is in. Fails on
 * anything but an `MdpError` that says a retry can help, and when it is not in by the deadline.
 */
export async function commitHeld(
  worker: SinkWorker,
  batch: Batch,
  deadlineMs = 15_000,
): Promise<Outcome> {
  const errors: MdpError[] = [];
  const until = Date.now() + deadlineMs;
  for (;;) {
    try {
      return { committed: await worker.commit(batch, never), errors };
    } catch (error) {
      if (!(error instanceof MdpError) || !error.retry || Date.now() > until) throw error;
      errors.push(error);
      await Bun.sleep(pauseMs);
    }
  }
}

/** What the first commit throws; fails when it does not. */
export async function refusalOf(worker: SinkWorker, batch: Batch): Promise<MdpError> {
  try {
    await worker.commit(batch, never);
  } catch (error) {
    if (error instanceof MdpError) return error;
    throw error;
  }
  throw new Error('the commit was expected to be refused');
}

export function codesOf(errors: readonly MdpError[]): readonly unknown[] {
  return [...new Set(errors.map(({ code, context }) => context['sqlstate'] ?? code))];
}

/** Resolves when the query has rows. Fails after ten seconds. */
export async function waitFor(url: string, query: string): Promise<void> {
  const until = Date.now() + 10_000;
  while ((await execute(url, query)).length === 0) {
    if (Date.now() > until) throw new Error(`never came true: ${query}`);
    await Bun.sleep(10);
  }
}
