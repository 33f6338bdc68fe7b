import type { Clock } from '../runtime/clock.ts';

/**
 * What a command may touch of the process it runs in. Commands resolve with an exit code and never
 * exit themselves.
 */
export type CommandContext = {
  readonly clock: Clock;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by the first SIGTERM or SIGINT: finish. */
  readonly finish: AbortSignal;
  /** Aborted by the second: stop at once. */
  readonly stop: AbortSignal;
  /** Gets a `hangup` event for every SIGHUP: read the configuration again. */
  readonly hangup: EventTarget;
};

export type Output = {
  readonly write: (text: string) => void;
  /** Whether the reader has gone (`| head`): more is written in vain. */
  readonly isClosed: () => boolean;
  readonly isTerminal: boolean;
  /** Of the terminal, in columns. */
  readonly width: number;
};

/** 0 fine or drained, 1 failed, 2 usage or configuration, 3 stopped with data left behind. */
export const EXIT = { fine: 0, failed: 1, usage: 2, left: 3 } as const;
