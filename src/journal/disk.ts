import { constants, writeSync } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  rename,
  rm,
  statfs,
  truncate,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * The disk as a parameter: what the journal asks of a file system, so that a simulator can lose
 * what was not synced. Every call rejects with the system's error, whose `code` is an errno.
 */
export interface Disk {
  /** With all above it; its name survives a power loss when it resolves. It may be there. */
  makeDirectory(path: string): Promise<void>;
  /** Names of the files in a directory, in any order. */
  list(path: string): Promise<readonly string[]>;
  /** Makes a file that must not be there yet. */
  create(path: string): Promise<DiskFile>;
  /** To read. */
  open(path: string): Promise<DiskFile>;
  truncate(path: string, size: number): Promise<void>;
  /** Replaces what has the new name. */
  rename(from: string, to: string): Promise<void>;
  /** It need not be there. */
  remove(path: string): Promise<void>;
  /** Makes created, renamed and removed names survive a power loss. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that the file system would still take. */
  freeBytes(path: string): Promise<number>;
  /** One frame of Zstandard, beside whatever this thread does. */
  pack(bytes: Uint8Array): Promise<Uint8Array>;
  /** Of frames that `pack` gave, one after the other; rejects where the bytes are none. */
  unpack(bytes: Uint8Array): Promise<Buffer>;
}

export type FileState = {
  readonly size: number;
  /** When it was written last: system clock, µs. */
  readonly writtenAt: number;
};

export interface DiskFile {
  /** Writes all of it, or rejects. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Fills `bytes` as far as the file goes; returns how many were read. */
  read(bytes: Uint8Array, at: number): Promise<number>;
  /** What was written survives a power loss when it resolves. */
  sync(): Promise<void>;
  stat(): Promise<FileState>;
  close(): Promise<void>;
}

const MODE = 0o640;

export const createDisk = (): Disk => ({
  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    const highest = resolve(first);
    for (let made = resolve(path); made.length >= highest.length; made = dirname(made)) {
      await syncDirectory(dirname(made));
    }
  },
  list: (path) => readdir(path),
  create: async (path) =>
    diskFile(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, MODE)),
  open: async (path) => diskFile(await open(path, 'r')),
  truncate,
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory,
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  pack: (bytes) => Bun.zstdCompress(bytes, { level: 1 }),
  unpack: (bytes) => Bun.zstdDecompress(bytes),
});

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

const diskFile = (handle: FileHandle): DiskFile => ({
  /**
   * On this thread: a copy into the page cache takes microseconds, and is done in order. On the
   * pool it would queue behind syncs, and a kill could leave a later write without the one before.
   */
  write: (bytes, at) => Promise.try(() => writeAll(handle.fd, bytes, at)),
  async read(bytes, at) {
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  },
  sync: () => handle.datasync(),
  stat: async () => {
    const { size, mtimeMs } = await handle.stat();
    return { size, writtenAt: Math.round(mtimeMs * 1000) };
  },
  close: () => handle.close(),
});

const writeAll = (file: number, bytes: Uint8Array, at: number): void => {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
};

/** Reads a file, or the part of it that begins at `from` and has at most `length` bytes. */
export const readBytes = async (
  disk: Disk,
  path: string,
  from = 0,
  length = Number.POSITIVE_INFINITY,
): Promise<Buffer> => {
  const file = await disk.open(path);
  try {
    const size = Math.min(length, Math.max(0, (await file.stat()).size - from));
    const bytes = Buffer.allocUnsafe(size);
    return bytes.subarray(0, await file.read(bytes, from));
  } finally {
    await file.close();
  }
};

/** Reads at most `length` bytes from `from` on to the front of `bytes`; returns how many came. */
export const readInto = async (
  disk: Disk,
  path: string,
  from: number,
  bytes: Buffer,
  length: number,
): Promise<number> => {
  const file = await disk.open(path);
  try {
    return await file.read(bytes.subarray(0, length), from);
  } finally {
    await file.close();
  }
};

/**
 * Puts a file in its place so that after a crash the old one stands there, or the new one. Returns
 * its bytes. Each part is on its way before the next one is asked for.
 */
export const replaceFile = async (
  disk: Disk,
  directory: string,
  name: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> => {
  const temporary = `${directory}/${name}.tmp`;
  await disk.remove(temporary);
  const file = await disk.create(temporary);
  let at = 0;
  try {
    for await (const part of parts) {
      await file.write(part, at);
      at += part.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, `${directory}/${name}`);
  await disk.syncDirectory(directory);
  return at;
};

/** The errno of a failed call, such as ENOSPC. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown';
