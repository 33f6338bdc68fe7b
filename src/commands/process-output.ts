import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { waitMs } from '../runtime/waiting.ts';
import type { Output } from './context.ts';

const DEFAULT_WIDTH = 120;

/**
 * Standard output (1) or error (2), written at once, so that nothing is lost when the process ends.
 */
export const processOutput = (descriptor: 1 | 2): Output => {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  let closed = false;
  return {
    write: (text) => {
      if (!closed) closed = !writeAll(descriptor, Buffer.from(text));
    },
    isClosed: () => closed,
    isTerminal: isatty(descriptor),
    width: stream.columns ?? DEFAULT_WIDTH,
  };
};

/** false when nobody reads any more. */
const writeAll = (descriptor: number, bytes: Buffer): boolean => {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // A full pipe is waited out; a reader that has gone (EPIPE) wants nothing more.
      if (!isErrno(error, 'EAGAIN')) return false;
      waitMs(1);
    }
  }
  return true;
};

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
