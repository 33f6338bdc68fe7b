import type { Log } from '../runtime/log.ts';
import { BlockReader, type Damage, type Window } from './block-reader.ts';
import { errnoOf, readBytes, replaceFile, type Disk, type FileState } from './disk.ts';
import { decodeHeader, HEADER_BYTES, parseSegmentName, segmentName } from './format.ts';
import type { SegmentName } from './format.ts';
import type { Mark, Position } from './record-buffer.ts';
import type { Segment } from './segments.ts';

/** What was found in the directory. */
export type Recovered = {
  readonly segments: readonly Segment[];
  /** Behind the last record that is whole. */
  readonly end: Mark | undefined;
  /** Bytes of a record that was being written when the program died. */
  readonly tornBytes: number;
};

/**
 * Reads the directory of a journal that nobody writes: removes what a crash left half done, and
 * cuts the last file at the end of its last whole record. Damage in front of that stays, and is met
 * when it is read.
 */
export const recoverSegments = async (
  disk: Disk,
  directory: string,
  log: Log,
): Promise<Recovered> => {
  await removeLeftovers(disk, directory);
  const files = [...(await filesOf(disk, directory))];
  const { end, tornBytes } = await cutLast(disk, directory, files, log);
  const segments = bounded(files);
  if (await secure(disk, directory, segments, log)) {
    const replaced = files.filter((file) => !segments.includes(file));
    for (const file of replaced) await disk.remove(`${directory}/${segmentName(file)}`);
  }
  return { segments, end, tornBytes };
};

/**
 * A process that was killed has left bytes and names to the kernel that it had not synced; nobody
 * else will. What the disk does not take is read all the same: then the result is false.
 */
const secure = async (
  disk: Disk,
  directory: string,
  segments: readonly Segment[],
  log: Log,
): Promise<boolean> => {
  try {
    for (const segment of segments) {
      if (!isPlain(segment)) continue;
      const file = await disk.open(`${directory}/${segmentName(segment)}`);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await disk.syncDirectory(directory);
    return true;
  } catch (error) {
    log.error('what the journal holds of earlier runs cannot be synced: a power loss may take it', {
      errno: errnoOf(error),
    });
    return false;
  }
};

/** The segments of a directory as their names and headers tell. Changes nothing. */
export const describeSegments = async (
  disk: Disk,
  directory: string,
): Promise<readonly Segment[]> => bounded(await filesOf(disk, directory));

/** Segments that end where their files do. */
const filesOf = async (disk: Disk, directory: string): Promise<readonly Segment[]> => {
  const names = namesOf(await disk.list(directory));
  const segments: Segment[] = [];
  for (const name of names) segments.push(await describe(disk, directory, name, segments.at(-1)));
  return segments;
};

/**
 * Behind a failed sync a segment ends, and what stands there is written again into a new one: that
 * takes the place of all that begin where it does, or behind.
 */
const bounded = (files: readonly Segment[]): readonly Segment[] => {
  let next = Number.POSITIVE_INFINITY;
  const segments: Segment[] = [];
  for (const file of files.toReversed()) {
    if (file.start >= next) continue;
    file.end = Math.min(file.end, next);
    next = file.start;
    segments.push(file);
  }
  return segments.toReversed();
};

/**
 * A segment that was compressed is there twice when the program died before the first file was
 * removed.
 */
const namesOf = (files: readonly string[]): readonly SegmentName[] => {
  const names = files.map(parseSegmentName).filter((name) => name !== undefined);
  const packed = new Set(names.filter((name) => name.packed).map(({ sequence }) => sequence));
  const kept = names.filter((name) => name.packed || !packed.has(name.sequence));
  return kept.toSorted((one, other) => one.sequence - other.sequence);
};

const removeLeftovers = async (disk: Disk, directory: string): Promise<void> => {
  const files = await disk.list(directory);
  const kept = new Set(namesOf(files).map(segmentName));
  for (const file of files) {
    const isTwin = parseSegmentName(file) !== undefined && !kept.has(file);
    if (isTwin || file.endsWith('.tmp')) await disk.remove(`${directory}/${file}`);
  }
};

/**
 * A damaged header costs nothing but a time: the file's name and its records tell the rest. When it
 * was written last, from which on it is retained, the file system knows.
 */
const describe = async (
  disk: Disk,
  directory: string,
  name: SegmentName,
  before: Segment | undefined,
): Promise<Segment> => {
  const path = `${directory}/${segmentName(name)}`;
  const { size: bytes, writtenAt } = await stateOf(disk, path);
  const header = name.packed
    ? undefined
    : decodeHeader(await readBytes(disk, path, 0, HEADER_BYTES));
  const length = Math.max(0, bytes - HEADER_BYTES);
  return {
    sequence: name.sequence,
    start: name.start,
    frames: header?.frames ?? before?.frames ?? 0,
    created: header?.created ?? before?.created ?? 0,
    writtenAt,
    end: name.packed ? Number.MAX_SAFE_INTEGER : (header?.end ?? name.start + length),
    bytes,
    sealed: true,
    condensed: header?.end !== undefined,
    givenUp: false,
    packed: name.packed,
    busy: undefined,
  };
};

const stateOf = async (disk: Disk, path: string): Promise<FileState> => {
  const file = await disk.open(path);
  try {
    return await file.stat();
  } finally {
    await file.close();
  }
};

const cutLast = async (
  disk: Disk,
  directory: string,
  segments: Segment[],
  log: Log,
): Promise<Omit<Recovered, 'segments'>> => {
  let tornBytes = 0;
  for (let last = segments.at(-1); last !== undefined; last = segments.at(-1)) {
    const path = `${directory}/${segmentName(last)}`;
    const end = await endOf(disk, path, last);
    const torn = isPlain(last) ? last.end - end.position : 0;
    if (torn > 0) {
      tornBytes += torn;
      log.warn('the journal ended within a record: cut at the last whole one', {
        file: segmentName(last),
        position: end.position,
        bytes: torn,
      });
    }
    if (end.position > last.start) {
      if (torn > 0) await disk.truncate(path, HEADER_BYTES + end.position - last.start);
      last.end = end.position;
      last.bytes -= torn;
      return { end: await completed(disk, directory, segments, end), tornBytes };
    }
    await disk.remove(path);
    segments.pop();
  }
  return { end: undefined, tornBytes };
};

/**
 * Behind a failed sync the rest of a segment is written again, into a new one that begins within
 * it. Of this second copy a crash may have left less than of the first: the last segment gets what
 * it lacks. Resolves with where it then ends.
 */
const completed = async (
  disk: Disk,
  directory: string,
  segments: readonly Segment[],
  end: Mark,
): Promise<Mark> => {
  const last = segments.at(-1);
  const copies = segments.filter((one) => last !== undefined && isCopyOf(one, last));
  if (last === undefined || copies.length === 0) return end;
  const path = `${directory}/${segmentName(last)}`;
  const found = await readBytes(disk, path);
  let whole = found;
  let sound = last.start;
  for (const copy of copies) {
    if (copy.start > sound) continue;
    const { bytes, upTo } = await soundPart(disk, `${directory}/${segmentName(copy)}`, copy, sound);
    if (upTo <= sound) continue;
    const at = HEADER_BYTES + sound - last.start;
    whole = Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)]);
    sound = upTo;
  }
  if (whole.equals(found)) return end;
  last.bytes = await replaceFile(disk, directory, segmentName(last), [whole]);
  last.end = Math.max(end.position, sound);
  return endOf(disk, path, last);
};

const isCopyOf = (file: Segment, last: Segment): boolean =>
  file !== last && isPlain(file) && isPlain(last) && file.end > last.start;

const isPlain = ({ packed, condensed }: Segment): boolean => !packed && !condensed;

/** What stands in a file from the record at `from` on, up to the first damage. */
const soundPart = async (
  disk: Disk,
  path: string,
  segment: Segment,
  from: Position,
): Promise<{ readonly bytes: Buffer; readonly upTo: Position }> => {
  let damaged = Number.POSITIVE_INFINITY;
  const end = await endOf(disk, path, segment, ({ position, bytes }) => {
    if (position + bytes.length > from) damaged = Math.min(damaged, position);
  });
  const upTo = Math.max(from, Math.min(end.position, damaged));
  if (upTo === from) return { bytes: Buffer.alloc(0), upTo };
  const at = HEADER_BYTES + from - segment.start;
  return { bytes: await readBytes(disk, path, at, upTo - from), upTo };
};

/** Reads a segment through to its last whole record. */
const endOf = async (
  disk: Disk,
  path: string,
  segment: Segment,
  onDamage: (damage: Damage) => void = () => undefined,
): Promise<Mark> => {
  const window = await wholeWindow(disk, path, segment);
  const reader = new BlockReader(segment.frames, onDamage);
  while (typeof reader.next(window, segment.start) === 'object');
  return reader.intactEnd ?? { position: segment.start, frames: segment.frames };
};

/** All of a segment, decompressed where it is compressed. */
export const wholeWindow = async (disk: Disk, path: string, segment: Segment): Promise<Window> => {
  const file = await readBytes(disk, path);
  const bytes = segment.packed ? await unpack(disk, file) : file;
  const end = segment.condensed
    ? bytes.length
    : Math.min(bytes.length, HEADER_BYTES + segment.end - segment.start) | 0;
  return {
    bytes,
    end,
    condensed: segment.condensed || decodeHeader(bytes)?.end !== undefined,
    givenUp: segment.givenUp,
    whole: true,
    at: Math.min(HEADER_BYTES, end),
    place: segment.start,
    position: segment.start,
  };
};

/**
 * Damaged compressed bytes are an empty file: all of its records are lost, which the next one's
 * numbers tell.
 */
const unpack = async (disk: Disk, file: Buffer): Promise<Buffer> => {
  try {
    return await disk.unpack(file);
  } catch {
    return Buffer.alloc(0);
  }
};
