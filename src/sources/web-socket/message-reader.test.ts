import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { frameHead, serverFrame } from '../../../test/venue/wire.ts';
import { MessageReader } from './message-reader.ts';

const MAX_BYTES = 80_000;
const FIN = 0x80;

type Told = string;

/** A reader, what it told, and a wish to be held after so many tellings. */
const reading = (maxBytes = MAX_BYTES) => {
  const told: Told[] = [];
  let holdAt = Infinity;
  const tell = (what: Told): void => {
    told.push(what);
    if (told.length >= holdAt) reader.hold();
  };
  const reader: MessageReader = new MessageReader(maxBytes, {
    text: (text, bytes) => tell(`text ${bytes} ${text}`),
    binary: (bytes) => tell(`binary ${bytes.toString('hex')}`),
    pinged: (payload) => tell(`ping ${payload.toString('hex')}`),
    ponged: (payload) => tell(`pong ${payload.toString('hex')}`),
    closed: (code, reason) => tell(`closed ${code} ${reason}`),
    broken: (code, message) => tell(`broken ${code} ${message}`),
  });
  const holdAfter = (tellings: number): void => {
    holdAt = told.length + tellings;
  };
  return { reader, told, holdAfter };
};

type Said = { readonly bytes: Buffer; readonly told: readonly Told[] };

const frame = (opcode: number, payload: Uint8Array, isFinal = true): Buffer => {
  const bytes = serverFrame(opcode, payload);
  if (!isFinal) bytes[0] = opcode & ~FIN;
  return bytes;
};

const textTold = (bytes: Buffer): Told => `text ${bytes.length} ${bytes.toString()}`;

const control = fc
  .record({ isPing: fc.boolean(), payload: fc.uint8Array({ maxLength: 125 }) })
  .map(({ isPing, payload }): Said => {
    const name = isPing ? 'ping' : 'pong';
    return {
      bytes: frame(isPing ? 0x9 : 0xa, payload),
      told: [`${name} ${Buffer.from(payload).toString('hex')}`],
    };
  });

/** Mostly ASCII, of every way to write a length. */
const texts = fc
  .oneof(
    { weight: 6, arbitrary: fc.string({ maxLength: 200 }) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 65_530, max: 65_540 }).map((n) => 'x'.repeat(n)) },
  )
  .map((text) => Buffer.from(text));

const whole = texts.map((text): Said => ({ bytes: frame(0x1, text), told: [textTold(text)] }));

const binary = fc.uint8Array({ maxLength: 300 }).map((payload): Said => ({
  bytes: frame(0x2, payload),
  told: [`binary ${Buffer.from(payload).toString('hex')}`],
}));

/** A text in pieces that may cut a character, with control frames between them. */
const fragmented = fc
  .record({
    text: texts,
    cuts: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    between: fc.array(control, { maxLength: 2 }),
  })
  .map(({ text, cuts, between }): Said => {
    const places = cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b);
    const ends = [...places, text.length];
    const pieces = ends.map((end, i) =>
      frame(i === 0 ? 0x1 : 0x0, text.subarray(ends[i - 1] ?? 0, end), i === ends.length - 1),
    );
    const [first = Buffer.alloc(0), ...others] = pieces;
    return {
      bytes: Buffer.concat([first, ...between.map(({ bytes }) => bytes), ...others]),
      told: [...between.flatMap(({ told }) => told), textTold(text)],
    };
  });

const conversation = fc.array(
  fc.oneof({ weight: 5, arbitrary: whole }, binary, control, fragmented),
  { maxLength: 20 },
);

const piecesOf = (bytes: Buffer, sizes: readonly number[]): readonly Buffer[] => {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? bytes.length;
    pieces.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return pieces;
};

describe('whatever a server says', () => {
  test('is told once, whole and in order, however its bytes come and whenever it is held', () => {
    let held = 0;
    fc.assert(
      fc.property(
        conversation,
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 5000 })), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 }),
        (said, sizes, holds) => {
          const { reader, told, holdAfter } = reading();
          const waits = [...holds];
          holdAfter(waits.shift() ?? Infinity);
          for (const piece of piecesOf(Buffer.concat(said.map(({ bytes }) => bytes)), sizes)) {
            const before = told.length;
            const wasHeld = reader.isHeld;
            reader.take(piece);
            if (wasHeld) {
              held += 1;
              expect(told.length).toBe(before);
              holdAfter(waits.shift() ?? Infinity);
              reader.goOn();
            }
          }
          holdAfter(Infinity);
          reader.goOn();
          expect(told).toEqual(said.flatMap((one) => one.told));
        },
      ),
      { numRuns: 300 },
    );
    expect(held).toBeGreaterThan(50);
  });

  test('is held between two messages of one piece', () => {
    const { reader, told, holdAfter } = reading();
    holdAfter(2);
    reader.take(Buffer.concat(['1', '2', '3', '4'].map((text) => frame(0x1, Buffer.from(text)))));
    expect(told).toEqual(['text 1 1', 'text 1 2']);
    holdAfter(1);
    reader.goOn();
    expect(told.length).toBe(3);
  });

  test('is told no more once it is stopped, in the midst of a piece too', () => {
    const told: Told[] = [];
    const reader: MessageReader = new MessageReader(MAX_BYTES, {
      text: (text) => {
        told.push(text);
        reader.stop();
      },
      binary: () => told.push('binary'),
      pinged: () => told.push('ping'),
      ponged: () => told.push('pong'),
      closed: () => told.push('closed'),
      broken: () => told.push('broken'),
    });
    reader.take(Buffer.concat([frame(0x1, Buffer.from('a')), frame(0x1, Buffer.from('b'))]));
    reader.take(frame(0x8, Buffer.alloc(0)));
    expect(told).toEqual(['a']);
  });
});

describe('a close frame', () => {
  test.each([
    [
      'with code and reason',
      Buffer.from([0x03, 0xf5, ...Buffer.from('adiós')]),
      'closed 1013 adiós',
    ],
    ['without a code', Buffer.alloc(0), 'closed 1005 '],
    ['with a code that means no code', Buffer.from([0x03, 0xed]), 'broken 1002 a close frame with'],
    ['of one byte', Buffer.from([0x03]), 'broken 1002 a close frame of 1 byte'],
    ['that is no UTF-8', Buffer.from([0x03, 0xe8, 0xff]), 'broken 1007 a close frame that'],
  ])('%s is the last that is told', (_, payload, expected) => {
    const { reader, told } = reading();
    reader.take(Buffer.concat([frame(0x8, payload), frame(0x1, Buffer.from('late'))]));
    expect(told.length).toBe(1);
    expect(told[0]).toStartWith(expected);
  });
});

describe('bytes that break the protocol', () => {
  const text = Buffer.from('hello');
  const masked = Buffer.concat([Buffer.from([0x81, 0x85, 1, 2, 3, 4]), text]);
  const reserved = Buffer.concat([Buffer.from([0xc1, 5]), text]);
  const start = frame(0x1, text, false);
  test.each([
    ['a masked frame', masked, 'broken 1002 a masked frame'],
    ['a reserved bit', reserved, 'broken 1002 a frame of an extension'],
    ['an unknown kind', frame(0x3, text), 'broken 1002 a frame of unknown kind 3'],
    ['a continuation of nothing', frame(0x0, text), 'broken 1002 a continuation of nothing'],
    ['a text within another', Buffer.concat([start, frame(0x1, text)]), 'broken 1002 a message'],
    ['a ping in fragments', frame(0x9, text, false), 'broken 1002 a control frame in fragments'],
    ['a ping of 126 bytes', frame(0x9, Buffer.alloc(126)), 'broken 1002 a control frame of 126'],
    ['text that is no UTF-8', frame(0x1, Buffer.from([0x61, 0xc3])), 'broken 1007 a text'],
    ['a surrogate in UTF-8', frame(0x1, Buffer.from([0xed, 0xa0, 0x80])), 'broken 1007 a text'],
    ['a short text above the bound', frame(0x1, Buffer.alloc(1001)), 'broken 1009 a frame of 1001'],
    ['2^62 bytes to come', frameHead(0x1, 2 ** 62), 'broken 1009 a frame of 4611686018427388000'],
    [
      'fragments above the bound together',
      Buffer.concat([frame(0x1, Buffer.alloc(600), false), frameHead(0x0, 500)]),
      'broken 1009 a frame of 1100 bytes',
    ],
  ])('%s: told once, behind what was sound', (_, bytes, expected) => {
    for (const size of [1, 3, bytes.length + 9]) {
      const { reader, told } = reading(1000);
      for (const piece of piecesOf(Buffer.concat([frame(0x1, text), bytes, text]), [size])) {
        reader.take(piece);
      }
      expect(told[0]).toBe('text 5 hello');
      expect(told[1]).toStartWith(expected);
      expect(told.length).toBe(2);
    }
  });
});

test('a ping between fragments takes none of the room of their message', () => {
  const { reader, told } = reading(1000);
  reader.take(frame(0x1, Buffer.alloc(950, 0x61), false));
  reader.take(frame(0x9, Buffer.alloc(60)));
  reader.take(frame(0x0, Buffer.alloc(50, 0x61)));
  expect(told.map((line) => line.slice(0, 9))).toEqual(['ping 0000', 'text 1000']);
});

test('a byte order mark stays where it stands', () => {
  const { reader, told } = reading();
  reader.take(frame(0x1, Buffer.from('\uFEFF{}')));
  expect(told).toEqual(['text 5 \uFEFF{}']);
});

test('a message of 80,000 bytes in 80,000 pieces takes no time to speak of', () => {
  const { reader, told } = reading();
  const began = performance.now();
  for (const piece of piecesOf(frame(0x1, Buffer.alloc(MAX_BYTES, 0x20)), [1])) reader.take(piece);
  const empty = frame(0x0, Buffer.alloc(0), false);
  reader.take(frame(0x1, Buffer.alloc(0), false));
  for (let i = 0; i < MAX_BYTES; i += 1) reader.take(Buffer.from(empty));
  reader.take(frame(0x0, Buffer.from('x')));
  expect(told.map((line) => line.slice(0, 12))).toEqual(['text 80000  ', 'text 1 x']);
  expect(performance.now() - began).toBeLessThan(2000);
});
