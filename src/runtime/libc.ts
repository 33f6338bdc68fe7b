import { existsSync } from 'node:fs';

/** This Linux' C library, for `bun:ffi`: glibc has one name everywhere, musl names the machine. */
export const linuxLibCName = (): string => {
  const musl = `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`;
  return ['/lib', '/usr/lib'].some((folder) => existsSync(`${folder}/${musl}`))
    ? musl
    : 'libc.so.6';
};
