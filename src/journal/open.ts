import { lockFile, type FileLock } from '../runtime/file-lock.ts';
import { MdpError } from '../runtime/errors.ts';
import { createDisk, errnoOf, type Disk } from './disk.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { recoverSegments } from './recover.ts';
import type { Mark } from './record-buffer.ts';

/** Positions that a crash may have given to records that are gone are not given again. */
const RESTART_LEAP = 2 ** 27;
/** Journals begin at a multiple of 1 MiB below 2^52. */
const FIRST_UNIT = 2 ** 20;
const FIRST_UNITS = 2 ** 32;

export type OpenOptions = JournalOptions & {
  readonly disk?: Disk;
  /** Takes the directory for this process alone; throws `locked` when another has it. */
  readonly lock?: ((path: string) => FileLock) | undefined;
};

/**
 * Opens the journal in its directory, which it makes if need be: takes the lock, cuts a torn tail,
 * and begins reading at `from`. Throws `MdpError`: `locked` when another process has it, `disk`
 * when the directory cannot be used, `schema_newer` for the format of a newer program.
 */
export const openJournal = async (options: OpenOptions): Promise<Journal> => {
  const { directory, log, from } = options;
  const disk = options.disk ?? createDisk();
  const lock = await locked(options, disk);
  try {
    const recovered = await recoverSegments(disk, directory, log);
    const start = startOf(recovered.end, from, options.random);
    return new Journal(options, disk, recovered, start, () => lock.release());
  } catch (error) {
    lock.release();
    throw error instanceof MdpError ? error : unusable(directory, error);
  }
};

const locked = async (options: OpenOptions, disk: Disk): Promise<FileLock> => {
  const { directory, lock = lockFile } = options;
  try {
    await disk.makeDirectory(directory);
  } catch (error) {
    throw unusable(directory, error);
  }
  return lock(`${directory}/lock`);
};

/** Behind everything that was ever given out. */
const startOf = (end: Mark | undefined, from: Mark | undefined, random: () => number): Mark => {
  if (end === undefined && from === undefined) {
    return { position: (1 + Math.floor(random() * FIRST_UNITS)) * FIRST_UNIT, frames: 0 };
  }
  return {
    position: Math.max(end?.position ?? 0, from?.position ?? 0) + RESTART_LEAP,
    frames: Math.max(end?.frames ?? 0, from?.frames ?? 0),
  };
};

const unusable = (directory: string, cause: unknown): MdpError =>
  new MdpError('disk', `the journal in ${directory} cannot be opened (${errnoOf(cause)})`, {
    hint: 'make journal.dir a directory that this user can write, or set journal.enabled: false',
    context: { directory, errno: errnoOf(cause) },
    cause,
  });
