import { dlopen, FFIType } from 'bun:ffi';
import { linuxLibCName } from './libc.ts';

/**
 * The words of sd_notify(3), as datagrams to the socket that a supervisor such as systemd names. It
 * never waits and never throws: a supervisor that does not listen costs the program nothing.
 * node:dgram has no unix sockets; `bun:ffi` calls the C library, in a compiled executable as well.
 */
export type Notify = (...assignments: readonly string[]) => boolean;

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** Bytes of `sun_path`. */
const LONGEST_PATH = 108;

/**
 * For `NOTIFY_SOCKET`: an absolute path, or `@name` for an abstract socket. The result says whether
 * the datagram was taken. undefined where there is no such socket to speak to. Linux only.
 */
export const openNotify = (socket: string): Notify | undefined => {
  const address = addressOf(socket);
  if (address === undefined || process.platform !== 'linux') return undefined;
  const { symbols } = dlopen(linuxLibCName(), functions);
  const fd = symbols.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return undefined;
  return (...assignments) => {
    const text = Buffer.from(assignments.join('\n'));
    const { sendto } = symbols;
    const length = address.byteLength;
    const sent = sendto(fd, text, text.byteLength, MSG_DONTWAIT_NOSIGNAL, address, length);
    return Number(sent) === text.byteLength;
  };
};

/** `struct sockaddr_un`; an abstract name begins with a zero byte and does not end with one. */
const addressOf = (socket: string): Buffer | undefined => {
  const abstract = socket.startsWith('@');
  if (!abstract && !socket.startsWith('/')) return undefined;
  const path = Buffer.from(abstract ? `\0${socket.slice(1)}` : `${socket}\0`);
  if (path.byteLength > LONGEST_PATH) return undefined;
  return Buffer.concat([new Uint8Array(Uint16Array.of(AF_UNIX).buffer), path]);
};

const { i32, u32, u64, i64, ptr } = FFIType;

const functions = {
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, ptr, u64, i32, ptr, u32], returns: i64 },
} as const;
