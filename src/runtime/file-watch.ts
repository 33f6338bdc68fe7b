import { readFileSync, statSync } from 'node:fs';
import type { Clock, Timer } from './clock.ts';

/** How often the file is looked at; a change is told at the second look that finds it the same. */
const LOOK_MS = 1000;

/**
 * Calls `changed` when the content of a file has become another, one that came or went included.
 * The path is looked at anew each time, so that the renames of editors and the links that
 * Kubernetes swaps are seen; a file that is still being written is not told before it rests.
 */
export const watchFile = (path: string, clock: Clock, changed: () => void): Timer => {
  let known = contentOf(path);
  let seen = signatureOf(path);
  let restless = false;
  return clock.every(LOOK_MS, () => {
    const signature = signatureOf(path);
    if (signature !== seen) {
      seen = signature;
      restless = true;
    } else if (restless) {
      restless = false;
      const content = contentOf(path);
      if (content === known) return;
      known = content;
      changed();
    }
  });
};

/** What any writing of the file changes. */
const signatureOf = (path: string): string =>
  orErrno(() => {
    const { dev, ino, mtimeNs, size } = statSync(path, { bigint: true });
    return [dev, ino, mtimeNs, size].join(' ');
  });

const contentOf = (path: string): string =>
  orErrno(() => String(Bun.hash.xxHash64(readFileSync(path))));

/** That a file is missing or cannot be read is a state like any other, told apart by its errno. */
const orErrno = (read: () => string): string => {
  try {
    return read();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  }
};
