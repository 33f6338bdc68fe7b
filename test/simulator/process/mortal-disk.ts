import type { Disk, DiskFile } from '../../../src/journal/disk.ts';
import type { SimulatedDisk, SimulatedFile } from '../disk.ts';
import type { Body } from './body.ts';
import type { CrashPoint, Reaper } from './reaper.ts';

export type MortalDiskParts = {
  readonly disk: SimulatedDisk;
  readonly body: Body;
  readonly reaper: Reaper;
  readonly isRecovering: () => boolean;
};

type Point = CrashPoint | undefined;

/**
 * The disk as one process has it: any call may be the last that it makes, before or behind its
 * effect.
 */
export class MortalDisk implements Disk {
  readonly #parts: MortalDiskParts;
  /** A segment was begun, and the directory not synced since. */
  #isRotating = false;

  constructor(parts: MortalDiskParts) {
    this.#parts = parts;
  }

  makeDirectory(): Promise<void> {
    return this.#calls(undefined, (disk) => disk.makeDirectory());
  }

  list(path: string): Promise<readonly string[]> {
    return this.#calls(undefined, (disk) => disk.list(path));
  }

  async create(path: string): Promise<DiskFile> {
    if (isSegment(path)) this.#isRotating = true;
    const point = isSegment(path) ? 'in_rotation' : pointOf(path);
    return this.#file(path, await this.#calls(point, (disk) => disk.create(path)));
  }

  async open(path: string): Promise<DiskFile> {
    return this.#file(path, await this.#calls(undefined, (disk) => disk.open(path)));
  }

  truncate(path: string, size: number): Promise<void> {
    return this.#calls(undefined, (disk) => disk.truncate(path, size));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#calls(pointOf(from), (disk) => disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#calls(pointOf(path), (disk) => disk.remove(path));
  }

  async syncDirectory(path: string): Promise<void> {
    const point = this.#isRotating ? 'in_rotation' : 'in_snapshot';
    await this.#calls(point, (disk) => disk.syncDirectory(path));
    this.#isRotating = false;
  }

  freeBytes(): Promise<number> {
    return this.#calls(undefined, (disk) => disk.freeBytes());
  }

  pack(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#calls('in_upkeep', (disk) => disk.pack(bytes));
  }

  unpack(bytes: Uint8Array): Promise<Buffer> {
    return this.#calls(undefined, (disk) => disk.unpack(bytes));
  }

  #file(path: string, file: SimulatedFile): DiskFile {
    const isOfSegment = isSegment(path);
    return {
      write: (bytes, at) => {
        if (isOfSegment && at > 0) return this.#append(file, bytes, at);
        const point = isOfSegment ? 'in_rotation' : pointOf(path);
        return this.#calls(point, () => file.write(bytes, at));
      },
      read: (bytes, at) => this.#calls(undefined, () => file.read(bytes, at)),
      sync: () => {
        const point = isOfSegment ? 'during_sync' : pointOf(path);
        return this.#calls(point, () => file.sync());
      },
      stat: () => this.#calls(undefined, () => file.stat()),
      close: () => this.#calls(undefined, () => file.close()),
    };
  }

  /** Records are written: in part only by one that dies in it. */
  #append(file: SimulatedFile, bytes: Uint8Array, at: number): Promise<void> {
    const { reaper } = this.#parts;
    if (reaper.strikes('within_write')) {
      return perform(file.write(bytes.subarray(0, reaper.partOf(bytes.length)), at));
    }
    if (!reaper.strikes('before_sync')) return this.#calls(undefined, () => file.write(bytes, at));
    return perform(file.write(bytes, at));
  }

  #calls<T>(own: Point, call: (disk: SimulatedDisk) => Promise<T>): Promise<T> {
    const { disk, body, reaper, isRecovering } = this.#parts;
    if (!body.isAlive) return never();
    const point = isRecovering() ? 'in_recovery' : own;
    if (point === undefined || !reaper.strikes(point)) return body.hears(call(disk));
    return reaper.isBehind ? perform(call(disk)) : never();
  }
}

const isSegment = (path: string): boolean => path.endsWith('.mdpj');

/** What a file is there for that is no segment being filled, or a whole one. */
const pointOf = (path: string): Point => {
  if (path.includes('/checkpoint-')) return 'in_snapshot';
  return path.includes('.mdpj') ? 'in_upkeep' : undefined;
};

const never = <T>(): Promise<T> => new Promise(() => undefined);

/** The world does what was asked of it; nobody is left who would hear. */
const perform = <T>(asked: Promise<unknown>): Promise<T> => {
  asked.catch(() => undefined);
  return never();
};
