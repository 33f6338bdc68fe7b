import type { MarketRecord, StateRecord, TickRecord } from '../market/record.ts';
import { MdpError } from '../runtime/errors.ts';
import { BODY_AT, FOLLOWED, groupCrc, headSeed, KIND, RECORD_HEAD, recordSize } from './format.ts';
import type { Dropped } from './block.ts';
import type { Position } from './record-buffer.ts';

/** A UTF-16 unit takes at most so many bytes in any of the three forms of a text. */
const BYTES_A_UNIT = 3;
const TICK_BYTES = 8;
const MAX_NAME_BYTES = 255;

/** Where the bytes go; `view` is over all of `bytes`. */
export type Target = { readonly bytes: Buffer; readonly view: DataView };

/**
 * What stands in place of records that were given up: their span of positions and what they were.
 */
export type Skip = {
  readonly position: Position;
  readonly span: number;
  readonly dropped: readonly Dropped[];
};

/** Room that is surely enough for the record. */
export const roomFor = (record: MarketRecord): number => {
  const head = RECORD_HEAD + MAX_NAME_BYTES;
  if (record.kind === 'frame') return head + record.text.length * BYTES_A_UNIT;
  if (record.kind === 'tick') return head + TICK_BYTES;
  return head + stateText(record).length * BYTES_A_UNIT;
};

/**
 * Writes the record at `at` and returns its bytes. There must be `roomFor` it. `place` seeds its
 * CRC, `frames` is the number of frames before it.
 */
export const encodeRecord = (
  target: Target,
  at: number,
  place: number,
  frames: number,
  record: MarketRecord,
): number => {
  const size = writeRecord(target, at, frames, record);
  const name = nameOf(record.source);
  // The text of a frame in ASCII is its payload: its CRC needs no view of the bytes.
  const isText = record.kind === 'frame' && target.bytes[at + BODY_AT] === KIND.ascii;
  seal(target, at, size, place, name, isText ? record.text : undefined);
  return size;
};

/**
 * Gives a frame that `writeRecord` wrote at `at` what stands in place of its CRC: the next record
 * is of the same group.
 */
export const linkRecord = (
  { bytes, view }: Target,
  at: number,
  place: number,
  source: string,
): void => {
  bytes[at + BODY_AT] = (bytes[at + BODY_AT] ?? 0) | FOLLOWED;
  view.setUint32(at, headSeed(bytes, view, at, place, nameOf(source).crc), true);
};

/**
 * Gives the last record of a group, which `writeRecord` wrote at `at`, the CRC of all of it from
 * `from` on. Both may be the same: then it is what `encodeRecord` writes.
 */
export const sealGroup = (
  target: Target,
  from: number,
  at: number,
  place: number,
  source: string,
): void => {
  const { bytes, view } = target;
  const name = nameOf(source);
  const payload = at + RECORD_HEAD + name.bytes.length;
  const seed = headSeed(bytes, view, at, place, name.crc);
  view.setUint32(at, groupCrc(bytes, from, at, payload, at + recordSize(view, at), seed), true);
};

/** As `encodeRecord`, without the CRC: for bytes that no disk will see. */
export const writeRecord = (
  { bytes, view }: Target,
  at: number,
  frames: number,
  record: MarketRecord,
): number => {
  const name = nameOf(record.source).bytes;
  const from = at + RECORD_HEAD + name.length;
  for (let i = 0; i < name.length; i += 1) bytes[at + RECORD_HEAD + i] = name[i] ?? 0;
  bytes[at + 9] = name.length;
  view.setUint32(at + 10, record.connection, true);
  view.setFloat64(at + 14, record.receiveTime, true);
  view.setUint32(at + 22, frames, true);
  const size = writePayload(bytes, view, at, from, record) - at;
  view.setUint32(at + 4, size - BODY_AT, true);
  return size;
};

/** Writes what tells of records given up. There must be `roomForSkip`. */
export const encodeSkip = (
  { bytes, view }: Target,
  at: number,
  place: number,
  frames: number,
  skip: Skip,
): number => {
  bytes.fill(0, at, at + RECORD_HEAD);
  bytes[at + BODY_AT] = KIND.skip;
  view.setUint32(at + 22, frames, true);
  const size = RECORD_HEAD + bytes.utf8Write(JSON.stringify(skip), at + RECORD_HEAD);
  view.setUint32(at + 4, size - BODY_AT, true);
  seal({ bytes, view }, at, size, place, NAMELESS, undefined);
  return size;
};

export const roomForSkip = (skip: Skip): number =>
  RECORD_HEAD + JSON.stringify(skip).length * BYTES_A_UNIT;

/** Writes kind and payload; returns where it ends. */
const writePayload = (
  bytes: Buffer,
  view: DataView,
  at: number,
  from: number,
  record: MarketRecord,
): number => {
  if (record.kind === 'frame') return writeText(bytes, at, from, record.text);
  if (record.kind === 'tick') return writeTick(bytes, view, at, from, record);
  bytes[at + BODY_AT] = KIND.state;
  return from + bytes.utf8Write(stateText(record), from);
};

/**
 * Every string comes back as it was: one that is no Unicode, because half of a pair is missing, as
 * UTF-16.
 */
const writeText = (bytes: Buffer, at: number, from: number, text: string): number => {
  const written = bytes.utf8Write(text, from);
  if (written === text.length) {
    bytes[at + BODY_AT] = KIND.ascii;
    return from + written;
  }
  if (text.isWellFormed()) {
    bytes[at + BODY_AT] = KIND.utf8;
    return from + written;
  }
  bytes[at + BODY_AT] = KIND.utf16;
  return from + bytes.ucs2Write(text, from);
};

const writeTick = (
  bytes: Buffer,
  view: DataView,
  at: number,
  from: number,
  record: TickRecord,
): number => {
  bytes[at + BODY_AT] = KIND.tick;
  view.setFloat64(from, record.arrival, true);
  return from + TICK_BYTES;
};

const stateText = ({ state, symbols, count }: StateRecord): string =>
  JSON.stringify({ state, symbols, count });

/** Writes the CRC: of `text` where that is the payload, otherwise of the bytes behind the name. */
const seal = (
  { bytes, view }: Target,
  at: number,
  size: number,
  place: number,
  name: Name,
  text: string | undefined,
): void => {
  const payload = text ?? bytes.subarray(at + RECORD_HEAD + name.bytes.length, at + size);
  const seed = headSeed(bytes, view, at, place, name.crc);
  view.setUint32(at, Bun.hash.crc32(payload, seed), true);
};

type Name = { readonly bytes: Buffer; readonly crc: number };

const NAMELESS: Name = { bytes: Buffer.alloc(0), crc: 0 };

/** The name encoded last: neighbours mostly share their source. */
let known = { source: '', name: NAMELESS };

const nameOf = (source: string): Name => {
  if (known.source === source) return known.name;
  const bytes = Buffer.from(source);
  if (bytes.length > MAX_NAME_BYTES) throw nameTooLong(source);
  const name = { bytes, crc: Bun.hash.crc32(bytes) };
  known = { source, name };
  return name;
};

const nameTooLong = (source: string): MdpError =>
  new MdpError('invariant', 'a source has a name longer than the journal can write', {
    context: { source: source.slice(0, 64) },
  });
