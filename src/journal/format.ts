import { MdpError } from '../runtime/errors.ts';

/**
 * The form of a segment file, version 3. All numbers are little-endian; `f64` holds whole numbers
 * below 2^53.
 *
 *     header, 48 bytes                            record
 *       0  'mdpj'                                   0  u32  CRC-32 of the payload, see below
 *       4  u32  version                             4  u32  bytes of the body, which begins here:
 *       8  f64  position of the first record        8  u8   kind: 1-3 frame, 4 tick, 5 state,
 *      16  f64  frames in the journal before it             6 skip
 *      24  f64  created, µs since the epoch         9  u8   bytes of the source's name
 *      32  f64  end, where flag 1 is set           10  u32  connection
 *      40  u32  flags: 1 condensed                 14  f64  receive time, µs since the epoch
 *      44  u32  CRC-32 of the 44 bytes before      22  u32  frames before it, modulo 2^32
 *                                                  26  the source's name in UTF-8, then the payload
 *
 * Payload: a frame's text in ASCII (1), UTF-8 (2) or UTF-16 (3, where the text is no Unicode); a
 * tick's arrival as f64; the rest of a state as JSON; of a skip, JSON that says which records stood
 * here and were given up.
 *
 * The CRC of a payload goes on from a seed that holds what stands in front of it, and the record's
 * place: position of the first record + bytes behind the header, modulo 2^32. So a record which was
 * moved, or which stands in the text of another, is none. `headSeed` makes it, and another word
 * anywhere in the head is another seed. In a segment that is not condensed, a record's place is its
 * position. The running number of frames tells how many were lost where records are damaged.
 *
 * Frames that came together are a group, and share a CRC: a call for each costs thirty times what
 * its bytes do. Bit 7 of the kind says that the next record is of the same group: then the bare
 * seed stands for the CRC. The CRC of the last record goes over the whole group up to it, and then
 * over its own payload. Blocks and writes end where groups do; a group with damage in it is damaged
 * as a whole. Version 2 had no groups, and is read as it is.
 *
 * A file is named `<position>-<sequence>.mdpj`, `.zst` behind it when compressed as a whole. Files
 * are read in the order of their sequence numbers, each up to the position where the next begins: a
 * file whose sync has failed is superseded so.
 */
const VERSION = 3;
const OLDEST_VERSION = 2;
export const HEADER_BYTES = 48;
/** From a record's first byte to its source's name. */
export const RECORD_HEAD = 26;
/** From a record's first byte to its body, which its length counts. */
export const BODY_AT = 8;
/** A longer record is no record. Sources refuse frames beyond 128 MiB. */
export const MAX_BODY = 2 ** 28;

export const KIND = { ascii: 1, utf8: 2, utf16: 3, tick: 4, state: 5, skip: 6 } as const;
/** What of the byte is the kind, and the bit of a frame that another of its group follows. */
export const KIND_BITS = 0x7f;
export const FOLLOWED = 0x80;

const MAGIC = 0x6a70646d;
const FLAG_CONDENSED = 1;

export type Header = {
  readonly start: number;
  readonly frames: number;
  readonly created: number;
  /** Known of condensed segments only. */
  readonly end: number | undefined;
};

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Of the whole record that begins at `at`. */
export const recordSize = (view: DataView, at: number): number =>
  view.getInt32(at + 4, true) + BODY_AT;

/** Frames in the journal before the record that begins at `at`, modulo 2^32. */
export const framesBefore = (view: DataView, at: number): number => view.getUint32(at + 22, true);

/**
 * The seed for the CRC of a record whose head stands at `at`; `place` is where it is in the
 * journal, `nameCrc` the CRC-32 of its source's name. Each word is read as it was written, in a
 * width that the processor forwards from the store: a CRC of the head takes ten times as long.
 */
export const headSeed = (
  bytes: Buffer,
  view: DataView,
  at: number,
  place: number,
  nameCrc: number,
): number => {
  const kindAndName = (bytes[at + BODY_AT] ?? 0) | ((bytes[at + 9] ?? 0) << 8);
  let seed = mixed(low32(place), view.getInt32(at + 4, true));
  seed = mixed(seed, kindAndName);
  seed = mixed(seed, view.getInt32(at + 10, true));
  seed = mixed(seed, view.getInt32(at + 14, true));
  seed = mixed(seed, view.getInt32(at + 18, true));
  seed = mixed(seed, view.getInt32(at + 22, true));
  return low32(mixed(seed, nameCrc));
};

/**
 * The CRC of a group that begins at `from` and whose last record begins at `at`, with its payload
 * in `[payload, end)`; `seed` is that of its head. A group of one record is the record.
 */
export const groupCrc = (
  bytes: Buffer,
  from: number,
  at: number,
  payload: number,
  end: number,
  seed: number,
): number => {
  const before = from === at ? seed : Bun.hash.crc32(bytes.subarray(from, at), seed);
  return Bun.hash.crc32(bytes.subarray(payload, end), before);
};

/** Another seed or another word is another result: both steps can be undone. */
const mixed = (seed: number, word: number): number => {
  const product = Math.imul(seed ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
};

export const encodeHeader = (header: Header): Buffer => {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(VERSION, 4);
  bytes.writeDoubleLE(header.start, 8);
  bytes.writeDoubleLE(header.frames, 16);
  bytes.writeDoubleLE(header.created, 24);
  bytes.writeDoubleLE(header.end ?? 0, 32);
  bytes.writeUInt32LE(header.end === undefined ? 0 : FLAG_CONDENSED, 40);
  bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(0, 44)), 44);
  return bytes;
};

/**
 * undefined where the bytes are no intact header. Throws `schema_newer` for a version that this
 * program does not know.
 */
export const decodeHeader = (bytes: Buffer): Header | undefined => {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (bytes.readUInt32LE(44) !== Bun.hash.crc32(bytes.subarray(0, 44))) return undefined;
  const version = bytes.readUInt32LE(4);
  if (version < OLDEST_VERSION || version > VERSION) {
    throw new MdpError('schema_newer', `the journal has format ${version}, not ${VERSION}`, {
      hint: 'run the version of mdp that wrote it, or give this one another journal.dir',
      context: { version },
    });
  }
  return {
    start: bytes.readDoubleLE(8),
    frames: bytes.readDoubleLE(16),
    created: bytes.readDoubleLE(24),
    end: (bytes.readUInt32LE(40) & FLAG_CONDENSED) === 0 ? undefined : bytes.readDoubleLE(32),
  };
};

/**
 * Methods of Buffer that Bun has and its types leave out. `write` and `toString` with an encoding
 * do the same and take 0.05 to 0.1 µs longer, which is a third of what a frame costs here.
 */
declare global {
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    utf8Write(text: string, at: number): number;
    ucs2Write(text: string, at: number): number;
    utf8Slice(from?: number, to?: number): string;
    latin1Slice(from?: number, to?: number): string;
    ucs2Slice(from?: number, to?: number): string;
  }
}

/** A place or a running number in 32 bits. */
export const low32 = (value: number): number => value >>> 0;

export type SegmentName = {
  readonly start: number;
  readonly sequence: number;
  readonly packed: boolean;
};

export const segmentName = ({ start, sequence, packed }: SegmentName): string =>
  `${String(start).padStart(16, '0')}-${String(sequence).padStart(8, '0')}.mdpj` +
  (packed ? '.zst' : '');

/** undefined for every other file. */
export const parseSegmentName = (name: string): SegmentName | undefined => {
  const match = /^(\d{16})-(\d{8})\.mdpj(\.zst)?$/.exec(name);
  if (match === null) return undefined;
  return { start: Number(match[1]), sequence: Number(match[2]), packed: match[3] !== undefined };
};
