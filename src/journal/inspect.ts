import { BlockReader } from './block-reader.ts';
import { createDisk, type Disk } from './disk.ts';
import { describeSegments, wholeWindow } from './recover.ts';
import { recordsIn, type Block, type Stored } from './block.ts';
import type { Position } from './record-buffer.ts';
import { fileName, type Segment } from './segments.ts';

/**
 * Reads a journal directory without taking it: nothing is locked, cut, removed or kept aside, so a
 * running pipeline may write meanwhile. Its newest records may be missing or half there.
 */
export type SegmentSummary = {
  readonly file: string;
  readonly start: Position;
  readonly end: Position;
  readonly bytes: number;
  readonly created: number;
  readonly condensed: boolean;
  readonly packed: boolean;
};

export type Verified = SegmentSummary & {
  readonly records: number;
  readonly frames: number;
  /** Frames that are missing in front of the records read here. */
  readonly lost: number;
  readonly damages: readonly { readonly position: Position; readonly bytes: number }[];
};

/**
 * The segments in the order in which they are read. Rejects with the system's error where the
 * directory cannot be read.
 */
export const listSegments = async (
  directory: string,
  disk: Disk = createDisk(),
): Promise<readonly SegmentSummary[]> => (await describeSegments(disk, directory)).map(summaryOf);

/** Reads every segment through. A torn tail of the last one is told as damage too. */
export async function* verifySegments(
  directory: string,
  disk: Disk = createDisk(),
): AsyncGenerator<Verified> {
  const segments = await describeSegments(disk, directory);
  const damages: { position: Position; bytes: number }[] = [];
  const reader = new BlockReader(segments[0]?.frames ?? 0, ({ position, bytes }) => {
    damages.push({ position, bytes: bytes.length });
  });
  for (const segment of segments) {
    let records = 0;
    let frames = 0;
    let lost = 0;
    for await (const block of blocksOf(disk, directory, segment, reader, segment.start)) {
      records += block.records;
      frames += block.frames;
      lost += block.lost;
    }
    yield { ...summaryOf(segment), records, frames, lost, damages: damages.splice(0) };
  }
}

/** Every record that can be read, from `from` on, in order. */
export async function* readRecords(
  directory: string,
  from: Position = 0,
  disk: Disk = createDisk(),
): AsyncGenerator<Stored> {
  for await (const block of readBlocks(directory, () => {}, from, disk)) yield* recordsIn(block);
}

/** The same in the blocks that they were read in; `onDamage` is told of places that cannot be. */
export async function* readBlocks(
  directory: string,
  onDamage: (position: Position) => void,
  from: Position = 0,
  disk: Disk = createDisk(),
): AsyncGenerator<Block> {
  const segments = (await describeSegments(disk, directory)).filter(({ end }) => end > from);
  const reader = new BlockReader(segments[0]?.frames ?? 0, ({ position }) => onDamage(position));
  for (const segment of segments) {
    yield* blocksOf(disk, directory, segment, reader, Math.max(from, segment.start));
  }
}

async function* blocksOf(
  disk: Disk,
  directory: string,
  segment: Segment,
  reader: BlockReader,
  from: Position,
) {
  const window = await wholeWindow(disk, `${directory}/${fileName(segment)}`, segment);
  for (;;) {
    const block = reader.next(window, from);
    if (typeof block === 'string') return;
    yield block;
  }
}

const summaryOf = (segment: Segment): SegmentSummary => ({
  file: fileName(segment),
  start: segment.start,
  end: segment.end,
  bytes: segment.bytes,
  created: segment.created,
  condensed: segment.condensed,
  packed: segment.packed,
});
