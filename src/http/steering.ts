import { dlopen, ptr } from 'bun:ffi';
import { readdirSync } from 'node:fs';
import { linuxLibCName } from '../runtime/libc.ts';

/**
 * Which of several listeners on one port gets new connections. Linux spreads them over all sockets
 * that listen with SO_REUSEPORT; a one-instruction filter on the group sends them to one, so that
 * another can finish what it has begun and be closed without a connection in its queue.
 */

/** socket(7) and bpf(2) of Linux, the same on x64 and arm64. */
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
/** `BPF_RET | BPF_K`: answer with a constant, here the number of the socket in its group. */
const RETURN_CONSTANT = 0x06;

type LibC = ReturnType<typeof loadLibC>;
let libc: LibC | undefined;

/**
 * New connections to `port` go to the socket that was the `index`th to join its group. False where
 * that cannot be had: no Linux, or a kernel that takes no filter.
 */
export const steerTo = (port: number, index: number): boolean => {
  if (process.platform !== 'linux') return false;
  libc ??= loadLibC();
  const fd = listeningOn(port, libc);
  if (fd === undefined) return false;
  const instruction = new DataView(new ArrayBuffer(8));
  instruction.setUint16(0, RETURN_CONSTANT, true);
  instruction.setUint32(4, index, true);
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, 1, true);
  program.setBigUint64(8, BigInt(ptr(instruction)), true);
  return libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(program), 16) === 0;
};

/** A descriptor of this process that listens on the port: any member of a group speaks for it. */
const listeningOn = (port: number, { getsockopt, getsockname }: LibC): number | undefined =>
  readdirSync('/proc/self/fd')
    .map(Number)
    .find((fd) => {
      const listens = new Int32Array(1);
      const length = new Uint32Array([4]);
      const asked = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, ptr(listens), ptr(length));
      if (asked !== 0 || listens[0] !== 1) return false;
      const address = new DataView(new ArrayBuffer(128));
      length[0] = address.byteLength;
      // The port stands at the same place in addresses of IPv4 and IPv6.
      return getsockname(fd, ptr(address), ptr(length)) === 0 && address.getUint16(2) === port;
    });

function loadLibC() {
  return dlopen(linuxLibCName(), {
    getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
    setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    getsockname: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  }).symbols;
}
