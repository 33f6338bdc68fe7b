import { describe, expect, test } from 'bun:test';
import type { MarketRecord } from '../market/record.ts';
import { HEADER_BYTES, parseSegmentName } from './format.ts';
import type { Block } from './block.ts';
import { frame, journalOn, MemoryDisk, never, recordsOf, takeBlocks, tick } from './testing.ts';
import type { Line } from './testing.ts';

const FRAMES = 100;
const SEGMENTS = 3;

/**
 * Three closed segments with 100 frames and a tick each, as three runs of the program leave them.
 * So many frames come together.
 */
const threeSegments = async (together = 1): Promise<{ disk: MemoryDisk; paths: string[] }> => {
  const disk = new MemoryDisk();
  for (let run = 0; run < SEGMENTS; run += 1) {
    const { journal } = await journalOn(disk);
    const frames = Array.from({ length: FRAMES }, (_, n) => frame(run * 1000 + n, `frame ${n}`));
    for (let n = 0; n < FRAMES; n += together) journal.pushFrames(frames.slice(n, n + together));
    journal.push(tick(run * 1000 + FRAMES));
    await journal.release(never);
  }
  const paths = [...disk.files.keys()].filter((path) => parseSegmentName(path.slice(9)));
  return { disk, paths };
};

type Outcome = {
  readonly blocks: readonly Block[];
  readonly frames: readonly MarketRecord[];
  readonly lost: number;
  readonly damaged: number;
  readonly lines: readonly Line[];
};

const readAll = async (disk: MemoryDisk): Promise<Outcome> => {
  const { journal, lines } = await journalOn(disk);
  journal.push(frame(9000, 'live'));
  journal.close();
  const blocks = await takeBlocks(journal);
  await journal.release(never);
  const frames = recordsOf(blocks).filter(({ kind }) => kind === 'frame');
  const lost = blocks.reduce((sum, block) => sum + block.lost, 0);
  return { blocks, frames, lost, damaged: journal.report().damaged, lines };
};

type Edit = (bytes: Buffer, size: number) => Buffer;

const flip =
  (at: number): Edit =>
  (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    return bytes;
  };
const zero =
  (from: number, to: number): Edit =>
  (bytes) =>
    bytes.fill(0, from, to);
const cutTo =
  (length: (size: number) => number): Edit =>
  (bytes) =>
    bytes.subarray(0, length(bytes.length));
const remove =
  (from: number, to: number): Edit =>
  (bytes) =>
    Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
const twice =
  (from: number, to: number): Edit =>
  (bytes) =>
    Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);

/** A record of these segments: 26 bytes, the name `venue`, and a text of 7 or 8 characters. */
const RECORD = 26 + 5 + 7;
const at = (record: number, byte = 0): number => HEADER_BYTES + record * RECORD + byte;

/**
 * What is done to which segment (0 to 2), what is lost by it, and how many damaged stretches are
 * told.
 */
const corruptions: readonly [string, number, Edit, number, number][] = [
  ['a bit of a frame', 0, flip(at(3, 32)), 1, 1],
  ['a bit of a CRC', 0, flip(at(3, 0)), 1, 1],
  ['a bit of a kind', 0, flip(at(3, 8)), 1, 1],
  ['a bit of a source', 0, flip(at(3, 27)), 1, 1],
  ['a bit of a receive time', 0, flip(at(3, 18)), 1, 1],
  ['a bit of a running number', 0, flip(at(3, 22)), 1, 1],
  ['a length that is a little more', 0, flip(at(3, 4)), 1, 1],
  ['a length beyond the file', 0, flip(at(3, 6)), 1, 1],
  ['a length beyond all bounds', 0, flip(at(3, 7)), 1, 1],
  ['the first record', 1, flip(at(0, 30)), 1, 1],
  ['two neighbours', 1, zero(at(4), at(6)), 2, 1],
  ['two apart', 1, (bytes, size) => flip(at(2, 30))(flip(at(6, 30))(bytes, size), size), 2, 2],
  ['a page of zeros', 1, zero(at(2), at(9)), 7, 1],
  ['half a record to the next', 1, zero(at(2, 20), at(3, 20)), 2, 1],
  ['a record missing, the rest moved', 0, remove(at(3), at(4)), FRAMES - 3, 1],
  ['a record there twice', 1, twice(at(3), at(4)), FRAMES - 4, 1],
  ['the header', 1, flip(9), 0, 0],
  ['the header and the first record', 1, zero(0, at(1)), 1, 1],
  ['nothing but the header left', 1, cutTo(() => HEADER_BYTES), FRAMES, 0],
  ['cut in the middle of a record, more files behind', 1, cutTo(() => at(5, 10)), FRAMES - 5, 1],
  ['an empty file', 1, cutTo(() => 0), FRAMES, 0],
  ['all zeros', 1, (bytes) => Buffer.alloc(bytes.length), FRAMES, 1],
  ['a torn tail of the last', 2, cutTo((size) => size - 1), 0, 0],
  ['a torn tail within a frame', 2, cutTo(() => at(5, 10)), 0, 0],
  ['a last header that is torn', 2, cutTo(() => 20), 0, 0],
  ['zeros behind the last record', 2, (bytes) => Buffer.concat([bytes, Buffer.alloc(4096)]), 0, 0],
  ['a hole in front of the last synced pages', 2, zero(at(2), at(5)), 3, 1],
];

describe('damage has its outcome:', () => {
  test.each(corruptions)('%s', async (_what, which, edit, lost, damaged) => {
    const { disk, paths } = await threeSegments();
    const content = disk.content(paths[which] ?? '');
    content.bytes = edit(Buffer.from(content.bytes), content.bytes.length);
    const outcome = await readAll(disk);
    expect(outcome.lost).toBe(lost);
    expect(outcome.damaged).toBe(damaged);
    expect(outcome.frames.at(-1)).toEqual(frame(9000, 'live'));
    const times = outcome.frames.map(({ receiveTime }) => receiveTime);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
    if (which < 2) expect(outcome.frames.length).toBe(SEGMENTS * FRAMES + 1 - lost);
    const kept = [...disk.files.keys()].filter((name) => name.includes('quarantine'));
    expect(kept.length).toBe(damaged);
    expect(outcome.lines.filter(({ level }) => level === 'error').length).toBe(damaged);
  });

  test('a bit of a frame in a group: the group is lost, those beside it are not', async () => {
    const { disk, paths } = await threeSegments(10);
    const content = disk.content(paths[1] ?? '');
    content.bytes = flip(at(34, 32))(Buffer.from(content.bytes), content.bytes.length);
    const { lost, damaged, frames } = await readAll(disk);
    expect({ lost, damaged }).toEqual({ lost: 10, damaged: 1 });
    const numbers = frames.map(({ receiveTime }) => receiveTime - 1_000_000);
    const intact = numbers.filter((n) => n >= 1000 && n < 2000);
    expect(intact).toEqual(Array.from({ length: 90 }, (_, n) => 1000 + n + (n < 30 ? 0 : 10)));
  });

  test('a file that is gone: the frames behind it tell how many are lost', async () => {
    const { disk, paths } = await threeSegments();
    disk.files.delete(paths[1] ?? '');
    const outcome = await readAll(disk);
    expect(outcome.lost).toBe(FRAMES);
    expect(outcome.frames.length).toBe(2 * FRAMES + 1);
  });

  test('a file that cannot be read is given up after some attempts, aloud', async () => {
    const { disk, paths } = await threeSegments();
    let opened = 0;
    disk.fail = (call, path) =>
      call === 'read' && path === paths[1] && opened++ > 0 ? 'EIO' : undefined;
    const outcome = await readAll(disk);
    expect(outcome.lost).toBe(FRAMES);
    expect(outcome.lines.some(({ message }) => message.includes('cannot be read'))).toBe(true);
  });

  test('compressed and damaged: its frames are lost, what follows is read', async () => {
    const { disk, paths } = await threeSegments();
    const path = paths[0] ?? '';
    const packed = await Bun.zstdCompress(disk.content(path).bytes);
    packed[packed.length >> 1] = (packed[packed.length >> 1] ?? 0) ^ 0xff;
    disk.files.set(`${path}.zst`, { bytes: packed, synced: packed, writtenAt: 0 });
    expect((await readAll(disk)).frames.length).toBeGreaterThanOrEqual(2 * FRAMES + 1);
  });

  test('half-made files of a crash are removed, other files are left alone', async () => {
    const { disk, paths } = await threeSegments();
    const file = disk.content(paths[0] ?? '');
    disk.files.set(`${paths[0]}.tmp`, file);
    disk.files.set('/journal/notes.txt', file);
    expect((await readAll(disk)).frames.length).toBe(SEGMENTS * FRAMES + 1);
    expect(disk.files.has(`${paths[0]}.tmp`)).toBe(false);
    expect(disk.files.has('/journal/notes.txt')).toBe(true);
  });
});
