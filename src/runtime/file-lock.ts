import { dlopen, FFIType, read, type Pointer } from 'bun:ffi';
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { MdpError } from './errors.ts';
import { linuxLibCName } from './libc.ts';

/**
 * One process at a time, by `flock` on a file of its own: the kernel lets go when the process dies,
 * however it dies, so no stale lock is ever to be cleaned up. The file stays, because removing it
 * would let two processes lock two files of one name. node:fs has no flock; `bun:ffi` calls the C
 * library, in a compiled executable as well.
 */
export type FileLock = { release(): void };

type LibC = { flock(fd: number, operation: number): number; errno(): number };

const EXCLUSIVE_NON_BLOCKING = 2 | 4;
const EWOULDBLOCK = process.platform === 'darwin' ? 35 : 11;

/**
 * Takes the lock and writes our process id into the file. Throws `MdpError`: `locked` naming the
 * holder and the cure; `database_refused` where the file cannot be made or the file system has no
 * locks.
 */
export function lockFile(path: string): FileLock {
  const libc = loadLibC();
  const fd = open(path);
  if (libc.flock(fd, EXCLUSIVE_NON_BLOCKING) !== 0) {
    const errno = libc.errno();
    const holder = readFileSync(fd, 'latin1').trim();
    closeSync(fd);
    throw refusal(path, errno, holder);
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`, 0);
  return { release: () => closeSync(fd) };
}

function open(path: string): number {
  try {
    return openSync(path, 'a+');
  } catch (cause) {
    throw new MdpError('database_refused', `cannot open the lock file ${path}`, {
      hint: 'make its directory writable for this user, or choose another place',
      context: { file: path },
      cause,
    });
  }
}

function refusal(path: string, errno: number, holder: string): MdpError {
  const context = { file: path, pid: holder, errno };
  if (errno !== EWOULDBLOCK) {
    return new MdpError('database_refused', `cannot lock ${path} (errno ${errno})`, {
      hint: 'the file system must support flock: use a local disk',
      context,
    });
  }
  return new MdpError('locked', `${path} is locked by process ${holder || 'unknown'}`, {
    hint: `stop process ${holder || 'that holds it'}, or give this one another file`,
    context,
  });
}

let loaded: LibC | undefined;

function loadLibC(): LibC {
  loaded ??= process.platform === 'darwin' ? darwinLibC() : linuxLibC();
  return loaded;
}

const flockSymbol = { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } as const;
const errnoSymbol = { args: [], returns: FFIType.ptr } as const;

function darwinLibC(): LibC {
  const { symbols } = dlopen('libSystem.B.dylib', { flock: flockSymbol, __error: errnoSymbol });
  return { flock: symbols.flock, errno: () => errnoAt(symbols.__error()) };
}

function linuxLibC(): LibC {
  const { symbols } = dlopen(linuxLibCName(), {
    flock: flockSymbol,
    __errno_location: errnoSymbol,
  });
  return { flock: symbols.flock, errno: () => errnoAt(symbols.__errno_location()) };
}

function errnoAt(pointer: bigint | Pointer | null): number {
  return pointer === null ? 0 : read.i32(pointer, 0);
}
