/** A supervisor's end of sd_notify: a datagram socket of our own, read without waiting. */
import { dlopen, FFIType } from 'bun:ffi';
import { linuxLibCName } from '../../src/runtime/libc.ts';

export type NotifySocket = {
  /** Every message so far, oldest first; a message is lines of NAME=value. */
  readonly messages: () => readonly string[];
  close(): void;
};

const { i32, u32, u64, i64, ptr } = FFIType;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** Listens at `path`; with a leading `@` in the abstract name space. */
export const listenNotify = (path: string): NotifySocket => {
  const library = dlopen(linuxLibCName(), {
    socket: { args: [i32, i32, i32], returns: i32 },
    bind: { args: [i32, ptr, u32], returns: i32 },
    recv: { args: [i32, ptr, u64, i32], returns: i64 },
    close: { args: [i32], returns: i32 },
  });
  const { symbols } = library;
  const fd = symbols.socket(AF_UNIX, SOCK_DGRAM, 0);
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`;
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(name)]);
  if (symbols.bind(fd, address, address.byteLength) !== 0) throw new Error(`cannot bind ${path}`);
  const heard: string[] = [];
  const buffer = Buffer.alloc(4096);
  return {
    messages: () => {
      for (;;) {
        const length = Number(symbols.recv(fd, buffer, buffer.byteLength, MSG_DONTWAIT));
        if (length < 0) return heard;
        heard.push(buffer.toString('utf8', 0, length));
      }
    },
    close: () => {
      symbols.close(fd);
      library.close();
    },
  };
};
