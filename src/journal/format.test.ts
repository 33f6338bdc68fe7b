import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { FrameRecord, MarketRecord } from '../market/record.ts';
import { receiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import { Chunks } from './chunks.ts';
import { Decoder } from './decode.ts';
import { encodeRecord, roomFor } from './encode.ts';
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  parseSegmentName,
  segmentName,
  viewOf,
} from './format.ts';
import { recordsIn } from './block.ts';
import { frame, state, tick } from './testing.ts';

const times = fc.maxSafeNat().map(receiveTime);
const connections = fc.nat(2 ** 31);
const names = fc.string({ minLength: 1, maxLength: 60, unit: 'binary' });
/** Any string there is, half pairs too. */
const texts = fc.oneof(
  fc.string({ unit: 'binary-ascii' }),
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
);
const frames = fc.record({
  kind: fc.constant('frame' as const),
  receiveTime: times,
  source: names,
  connection: connections,
  text: texts,
});
const ticks = fc.record({
  kind: fc.constant('tick' as const),
  receiveTime: times,
  source: names,
  connection: connections,
  arrival: times,
});
const states = fc.record({
  kind: fc.constant('state' as const),
  receiveTime: times,
  source: names,
  connection: connections,
  state: fc.constantFrom('started' as const, 'subscribed' as const, 'dropped' as const),
  symbols: fc.array(fc.string()),
  count: fc.nat(),
});
const records: fc.Arbitrary<MarketRecord> = fc.oneof(frames, ticks, states);

const encoded = (record: MarketRecord, place: number, ordinal = 0): Buffer => {
  const bytes = Buffer.alloc(roomFor(record));
  return bytes.subarray(0, encodeRecord({ bytes, view: viewOf(bytes) }, 0, place, ordinal, record));
};

const decoderOf = (bytes: Buffer): Decoder => {
  const decoder = new Decoder();
  decoder.cursor.use(bytes, viewOf(bytes));
  return decoder;
};

describe('a record', () => {
  test('comes back as it was, whatever its text, at any place', () => {
    fc.assert(
      fc.property(records, fc.maxSafeNat(), fc.nat(2 ** 32 - 1), (record, place, ordinal) => {
        const bytes = encoded(record, place, ordinal);
        const decoder = decoderOf(bytes);
        expect(decoder.read(0, bytes.length, place)).toBe('record');
        expect(decoder.cursor.record()).toEqual(record);
        expect(decoder.cursor.size).toBe(bytes.length);
        expect(decoder.cursor.framesBefore).toBe(ordinal);
      }),
      { numRuns: 500 },
    );
  });

  test('is none when any one of its bits is another', () => {
    fc.assert(
      fc.property(records, fc.maxSafeNat(), fc.nat(), (record, place, chosen) => {
        const bytes = encoded(record, place);
        const bit = chosen % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(['damaged', 'short']).toContain(decoderOf(bytes).read(0, bytes.length, place));
      }),
      { numRuns: 500 },
    );
  });

  test('is none at another place, so a frame cannot smuggle one in', () => {
    const bytes = encoded(frame(1), 1000);
    expect(decoderOf(bytes).read(0, bytes.length, 1001)).toBe('damaged');
  });

  test('is short while any byte of it is missing', () => {
    const bytes = encoded(state(1), 7);
    for (let end = 0; end < bytes.length; end += 1) {
      expect(decoderOf(bytes).read(0, end, 7)).toBe('short');
    }
  });

  test('is never read from zeros', () => {
    expect(decoderOf(Buffer.alloc(100)).read(0, 100, 0)).toBe('damaged');
  });

  test('of a source with too long a name is refused as a fault of ours', () => {
    expect(() => encoded({ ...tick(1), source: 'ü'.repeat(200) }, 0)).toThrow(MdpError);
  });
});

/** Frames of one source that came together, as they lie in the file from position 1000 on. */
const grouped = (given: readonly string[]): { bytes: Buffer; sent: readonly FrameRecord[] } => {
  const sent = given.map((text, n) => frame(n, text));
  const chunks = new Chunks({ position: 1000, frames: 0 }, 1024 ** 2);
  chunks.appendFrames(sent);
  const [chunk] = chunks.list;
  return { bytes: Buffer.from(chunk?.bytes.subarray(0, chunk.filled) ?? []), sent };
};

/** As many as can be read from `at` on, and what ended it. */
const readFrom = (bytes: Buffer, at = 0, end = bytes.length) => {
  const decoder = decoderOf(bytes);
  const read: unknown[] = [];
  for (let next = at; next < end; next += decoder.cursor.size) {
    const found = decoder.read(next, end, 1000 + next);
    if (found !== 'record') return { read, ended: found };
    read.push(decoder.cursor.record());
  }
  return { read, ended: 'end' };
};

describe('a group', () => {
  const some = fc.array(texts, { minLength: 2, maxLength: 20 });

  test('comes back frame by frame, as it was', () => {
    fc.assert(
      fc.property(some, (given) => {
        const { bytes, sent } = grouped(given);
        expect(readFrom(bytes)).toEqual({ read: [...sent], ended: 'end' });
      }),
    );
  });

  test('is read from its beginning only, and not at all when a bit of it is another', () => {
    fc.assert(
      fc.property(some, fc.nat(), (given, chosen) => {
        const { bytes } = grouped(given);
        const second = viewOf(bytes).getInt32(4, true) + 8;
        expect(readFrom(bytes, second)).toEqual({ read: [], ended: 'damaged' });
        const bit = chosen % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const { read, ended } = readFrom(bytes);
        expect(read).toEqual([]);
        expect(['damaged', 'short']).toContain(ended);
      }),
      { numRuns: 500 },
    );
  });

  test('is short while any byte of it is missing', () => {
    const { bytes } = grouped(['one', 'two', 'three']);
    for (let end = 1; end < bytes.length; end += 1) {
      expect(readFrom(bytes, 0, end)).toEqual({ read: [], ended: 'short' });
    }
  });

  test('is not cut by the end of a block', () => {
    const chunks = new Chunks({ position: 0, frames: 0 }, 1024 ** 2);
    const sent = Array.from({ length: 600 }, (_, n) => frame(n, `${n}`));
    for (let from = 0; from < 600; from += 60) chunks.appendFrames(sent.slice(from, from + 60));
    const first = chunks.block(0, chunks.position);
    expect(first?.records).toBe(540);
    const second = chunks.block(first?.end.position ?? 0, chunks.position);
    const read = [first, second].flatMap((block) => (block === undefined ? [] : recordsIn(block)));
    expect(read.map(({ record }) => record)).toEqual(sent);
  });
});

describe('a header', () => {
  const header = { start: 2 ** 52, frames: 12, created: 1_700_000_000_000_000, end: undefined };

  test('comes back as it was, of a condensed segment too', () => {
    expect(decodeHeader(encodeHeader(header))).toEqual(header);
    expect(decodeHeader(encodeHeader({ ...header, end: 2 ** 52 + 1 }))?.end).toBe(2 ** 52 + 1);
  });

  test('is none when a byte of it is another or missing', () => {
    for (let at = 0; at < HEADER_BYTES; at += 1) {
      const bytes = encodeHeader(header);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(decodeHeader(bytes)).toBeUndefined();
      expect(decodeHeader(encodeHeader(header).subarray(0, at))).toBeUndefined();
    }
  });

  test('of version 2 is read: it had all that there is now but groups', () => {
    const bytes = encodeHeader(header);
    bytes.writeUInt32LE(2, 4);
    bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(0, 44)), 44);
    expect(decodeHeader(bytes)).toEqual(header);
  });

  test.each([1, 4])('of version %d is refused, with the cure', (version) => {
    const bytes = encodeHeader(header);
    bytes.writeUInt32LE(version, 4);
    bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(0, 44)), 44);
    expect(() => decodeHeader(bytes)).toThrow(`format ${version}`);
  });
});

test('a file name tells position, sequence and compression, and other names tell nothing', () => {
  for (const packed of [false, true]) {
    const name = { start: 2 ** 52, sequence: 17, packed };
    expect(parseSegmentName(segmentName(name))).toEqual(name);
  }
  expect(parseSegmentName('lock')).toBeUndefined();
  expect(parseSegmentName('0000000000000001-00000001.mdpj.tmp')).toBeUndefined();
});
