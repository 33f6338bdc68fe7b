import { existsSync, statfsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';

/** Writes of the size of a small batch, each synced, to see how long the disk takes. */
const WRITES = 16;
const WRITE_BYTES = 4096;
/** A commit and every write of the journal wait for the disk: a slower one is felt. */
const SLOW_MS = 50;

export type DiskRequest = {
  /** What the directory is for: `journal`. */
  readonly about: string;
  readonly directory: string;
  /** Less free space than this stops the program, or will soon. */
  readonly leastFreeBytes: number;
};

/** Whether a directory can be written, how much room it has, and how long a sync takes. */
export const diagnoseDisk = async (
  { about, directory, leastFreeBytes }: DiskRequest,
  clock: Clock,
): Promise<readonly Finding[]> => {
  const there = nearest(resolve(directory));
  const name = `disk (${about})`;
  try {
    const took = await syncsIn(there, clock);
    return [
      writableFinding(name, directory, there),
      spaceFinding(name, there, leastFreeBytes),
      syncFinding(name, took),
    ];
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const cure = 'give this user write rights there, make room, or choose another directory';
    return [fail(name, `${directory} cannot be written (${errno} in ${there})`, cure)];
  }
};

/** The directory, else what is there of the path to it: the program makes the rest. */
const nearest = (directory: string): string =>
  existsSync(directory) || dirname(directory) === directory
    ? directory
    : nearest(dirname(directory));

/** How long each of some synced writes took, in ms, ascending. Leaves nothing behind. */
const syncsIn = async (directory: string, clock: Clock): Promise<readonly number[]> => {
  const path = join(directory, `.mdp-doctor-${process.pid}`);
  const file = await open(path, 'wx');
  try {
    const took: number[] = [];
    for (let written = 0; written < WRITES; written += 1) {
      const began = clock.now();
      await file.write(Buffer.alloc(WRITE_BYTES));
      await file.sync();
      took.push((clock.now() - began) / 1000);
    }
    return took.toSorted((a, b) => a - b);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
};

const writableFinding = (name: string, directory: string, there: string): Finding =>
  resolve(directory) === there
    ? ok(name, `${directory} can be written`)
    : ok(name, `${directory} is not there yet: the first start makes it`);

const spaceFinding = (name: string, directory: string, least: number): Finding => {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const text = `${gibText(free)} free`;
  if (free >= 2 * least) return ok(name, text);
  const cure = 'make room, or choose a directory on a larger disk';
  return (free < least ? fail : warn)(name, `${text}; ${gibText(least)} must stay so`, cure);
};

const gibText = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

const syncFinding = (name: string, took: readonly number[]): Finding => {
  const median = took[Math.floor(took.length / 2)] ?? 0;
  const text = `a sync takes ${median.toFixed(1)} ms, at worst ${took.at(-1)?.toFixed(1)} ms`;
  if (median <= SLOW_MS) return ok(name, text);
  return warn(name, text, 'commits wait for it: use a faster or less busy disk');
};
