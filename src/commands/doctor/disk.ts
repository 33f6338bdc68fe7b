import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';

/** Writes of the size of a small batch, each synced, to see how long the disk takes. */
const WRITES = 16;
const WRITE_BYTES = 4096;
/** A commit and every write of the journal wait for the disk: a slower one is felt. */
const SLOW_MS = 50;
/** One write as large as a batch may be, synced: how much the disk takes in a second. */
const LOAD_BYTES = 4 * 1024 ** 2;
/** Some 50,000 trades a second, in the journal and beside it in a database file. */
const LEAST_BYTES_A_SECOND = 20 * 1024 ** 2;

export type DiskRequest = {
  /** What the directory is for: `journal`. */
  readonly about: string;
  readonly directory: string;
  /** Less free space than this stops the program, or will soon. */
  readonly leastFreeBytes: number;
  /** How large what is in it may become; undefined = no bound. */
  readonly growsTo?: number;
};

/** Whether a directory can be written, how much room it has, and how long a sync takes. */
export const diagnoseDisk = async (
  request: DiskRequest,
  clock: Clock,
): Promise<readonly Finding[]> => {
  const { about, directory } = request;
  const there = nearest(resolve(directory));
  const name = `disk (${about})`;
  try {
    const space = spaceFinding(name, there, request);
    const speed = await speedOf(there, clock);
    return [
      writableFinding(name, directory, there),
      space,
      syncFinding(name, speed.syncsMs),
      loadFinding(name, speed.loadMs),
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

type Speed = {
  /** How long each of some small synced writes took, ascending. */
  readonly syncsMs: readonly number[];
  /** How long the large one took. */
  readonly loadMs: number;
};

/** Leaves nothing behind. */
const speedOf = async (directory: string, clock: Clock): Promise<Speed> => {
  const path = join(directory, `.mdp-doctor-${process.pid}`);
  const file = await open(path, 'wx');
  const timed = async (bytes: number): Promise<number> => {
    const began = clock.now();
    await file.write(Buffer.alloc(bytes));
    await file.sync();
    return (clock.now() - began) / 1000;
  };
  try {
    const took: number[] = [];
    for (let written = 0; written < WRITES; written += 1) took.push(await timed(WRITE_BYTES));
    return { syncsMs: took.toSorted((a, b) => a - b), loadMs: await timed(LOAD_BYTES) };
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
};

const writableFinding = (name: string, directory: string, there: string): Finding =>
  resolve(directory) === there
    ? ok(name, `${directory} can be written`)
    : ok(name, `${directory} is not there yet: the first start makes it`);

const spaceFinding = (name: string, directory: string, request: DiskRequest): Finding => {
  const { leastFreeBytes: least, growsTo } = request;
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const text = `${gibText(free)} free`;
  const cure = 'make room, or choose a directory on a larger disk';
  if (free < least) return fail(name, `${text}; ${gibText(least)} must stay so`, cure);
  const wanted = growsTo === undefined ? 2 * least : least + growsTo - bytesIn(request.directory);
  if (free >= wanted) return ok(name, text);
  const use = growsTo === undefined ? 'to grow' : `to grow to its bound of ${gibText(growsTo)}`;
  return warn(name, `${text}; ${gibText(wanted)} are wanted ${use}`, cure);
};

/** Of the files in a directory that may not be there. */
const bytesIn = (directory: string): number => {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory).reduce((sum, name) => {
    const found = statSync(join(directory, name), { throwIfNoEntry: false });
    return sum + (found?.size ?? 0);
  }, 0);
};

const gibText = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

const syncFinding = (name: string, took: readonly number[]): Finding => {
  const median = took[Math.floor(took.length / 2)] ?? 0;
  const text = `a sync takes ${median.toFixed(1)} ms, at worst ${took.at(-1)?.toFixed(1)} ms`;
  if (median <= SLOW_MS) return ok(name, text);
  return warn(name, text, 'commits wait for it: use a faster or less busy disk');
};

const loadFinding = (name: string, tookMs: number): Finding => {
  const mib = LOAD_BYTES / 1024 ** 2;
  const speed = (mib * 1000) / Math.max(tookMs, 0.001);
  const text = `${mib} MiB and a sync take ${tookMs.toFixed(0)} ms, ${speed.toFixed(0)} MiB/s`;
  if (speed * 1024 ** 2 >= LEAST_BYTES_A_SECOND) return ok(name, text);
  return warn(name, text, 'fast markets write more: use a faster or less busy disk');
};
