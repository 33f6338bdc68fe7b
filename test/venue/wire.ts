/** Frames of the WebSocket protocol (RFC 6455, section 5.2), whole ones only. */
export type WireFrame = { readonly opcode: number; readonly payload: Buffer };

/** A frame as a server sends it: unmasked and final. */
export const serverFrame = (opcode: number, payload: Uint8Array): Buffer =>
  Buffer.concat([frameHead(opcode, payload.length), payload]);

/** The head of a server's frame whose payload of `length` bytes follows, or never does. */
export const frameHead = (opcode: number, length: number): Buffer => {
  if (length < 126) return Buffer.from([0x80 | opcode, length]);
  if (length < 65_536) {
    const head = Buffer.from([0x80 | opcode, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
};

/** The client's whole frames at the beginning of `bytes`, unmasked, and what is left. */
export const clientFrames = (
  bytes: Buffer,
): { readonly frames: readonly WireFrame[]; readonly rest: Buffer } => {
  const frames: WireFrame[] = [];
  let at = 0;
  for (let frame = readFrame(bytes, at); frame !== undefined; frame = readFrame(bytes, at)) {
    frames.push({ opcode: frame.opcode, payload: frame.payload });
    at = frame.end;
  }
  return { frames, rest: bytes.subarray(at) };
};

const readFrame = (bytes: Buffer, at: number): (WireFrame & { end: number }) | undefined => {
  if (bytes.length < at + 2) return undefined;
  const opcode = bytes.readUInt8(at) & 0x0f;
  const short = bytes.readUInt8(at + 1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : 0;
  if (short === 127) throw new Error('no client of ours sends frames of 64 KiB');
  const maskAt = at + 2 + lengthBytes;
  if (bytes.length < maskAt + 4) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
  const end = maskAt + 4 + length;
  if (bytes.length < end) return undefined;
  const mask = bytes.subarray(maskAt, maskAt + 4);
  const payload = Buffer.from(bytes.subarray(maskAt + 4, end));
  for (const [index, byte] of payload.entries()) {
    payload[index] = byte ^ (mask[index % 4] ?? 0);
  }
  return { opcode, payload, end };
};
