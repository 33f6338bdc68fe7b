/** Frames of the WebSocket protocol (RFC 6455, section 5): how a server's begin, and ours. */
import { randomFillSync } from 'node:crypto';

export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
  /** The first byte of a text frame that is a message of its own. */
  wholeText: 0x81,
} as const;

/** Why a connection ends (section 7.4.1). */
export const CLOSE = {
  normal: 1000,
  protocolError: 1002,
  /** A close frame without a code; never sent. */
  noCode: 1005,
  /** No close frame; never sent. */
  abnormal: 1006,
  notUtf8: 1007,
  tooBig: 1009,
} as const;

const KNOWN: ReadonlySet<number> = new Set([
  OPCODE.continuation,
  OPCODE.text,
  OPCODE.binary,
  OPCODE.close,
  OPCODE.ping,
  OPCODE.pong,
]);

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** Most bytes of a control frame's payload. */
const MAX_CONTROL_BYTES = 125;
const SHORT = 126;
const LONG = 127;

export type Header = {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** Bytes of the header, and of the payload behind it. */
  readonly size: number;
  readonly length: number;
  /** What is wrong with it, if anything. */
  readonly fault: string | undefined;
};

/** The header at `at`, of which two bytes are there; or how many bytes it takes to know it. */
export const headerAt = (bytes: Buffer, at: number): Header | number => {
  const first = bytes.readUInt8(at);
  const second = bytes.readUInt8(at + 1);
  const short = second & ~MASKED;
  const size = sizeOf(short);
  if (bytes.length - at < size) return size;
  const length = lengthAt(bytes, at, short);
  const header = { opcode: first & 0x0f, isFinal: (first & FINAL) !== 0, size, length };
  const isMasked = (second & MASKED) !== 0;
  return { ...header, fault: faultOf(header, (first & RESERVED) !== 0, isMasked) };
};

const sizeOf = (short: number): number => {
  if (short < SHORT) return 2;
  return short === SHORT ? 4 : 10;
};

const lengthAt = (bytes: Buffer, at: number, short: number): number => {
  if (short < SHORT) return short;
  if (short === SHORT) return bytes.readUInt16BE(at + 2);
  // Beyond 2^53 digits are lost, long after every bound.
  return Number(bytes.readBigUInt64BE(at + 2));
};

const faultOf = (
  { opcode, isFinal, length }: Omit<Header, 'fault'>,
  isReserved: boolean,
  isMasked: boolean,
): string | undefined => {
  if (isReserved) return 'a frame of an extension that was not agreed on';
  if (isMasked) return 'a masked frame';
  if (!KNOWN.has(opcode)) return `a frame of unknown kind ${opcode}`;
  if (opcode < OPCODE.close) return undefined;
  if (!isFinal) return 'a control frame in fragments';
  return length > MAX_CONTROL_BYTES ? `a control frame of ${length} bytes` : undefined;
};

/** Codes that may stand in a close frame (section 7.4). */
export const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code < 5000);

/** A whole message or control frame, masked with four random bytes as every client's must be. */
export const clientFrame = (opcode: number, payload: Buffer): Buffer => {
  const head = clientHeader(opcode, payload.length);
  const frame = Buffer.concat([head, Buffer.alloc(MASK_BYTES), payload]);
  const mask = randomFillSync(frame.subarray(head.length, head.length + MASK_BYTES));
  for (let at = head.length + MASK_BYTES, i = 0; at < frame.length; at += 1, i += 1) {
    frame[at] = (frame[at] ?? 0) ^ (mask[i % MASK_BYTES] ?? 0);
  }
  return frame;
};

const clientHeader = (opcode: number, length: number): Buffer => {
  const first = FINAL | opcode;
  if (length < SHORT) return Buffer.from([first, MASKED | length]);
  if (length <= 0xffff) return Buffer.from([first, MASKED | SHORT, length >>> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = MASKED | LONG;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
};
