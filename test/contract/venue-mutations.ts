/** Frames as a venue would not send them, or would once in a year: numbers and bytes exchanged. */
import * as fc from 'fast-check';
import { bytesOf } from './venue-scanning.ts';

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const digits = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from('0000123456789')), minLength: 1, maxLength });

/** Numbers at the limits of what a scan takes, and just behind them. */
const hardNumbers: readonly string[] = [
  '0 0.0 0.00000000 -0 -1.5 +1 00 01.5 .5 5. 1.5.2 NaN 1e3 5E-8 1.50 100',
  '100000000000000 99999999999999 99999999999999999 123456789012345678901234567890',
  '9007199254740991 9007199254740992 9007199254740993 0.9007199254740991 0.9007199254740993',
  '0.90071992547409910 90071992547409.91 90071992547409.93 0.00000000000000000000001',
]
  .flatMap((line) => line.split(' '))
  .concat('', '1'.repeat(400));

const number = fc.oneof(
  digits(4),
  digits(18),
  fc.tuple(digits(10), digits(10)).map(([whole, part]) => `${whole}.${part}`),
  fc.tuple(digits(3), digits(24)).map(([whole, part]) => `${whole}.${part}`),
  { weight: 3, arbitrary: fc.constantFrom(...hardNumbers) },
);

const numbers = /[0-9.]+/g;

/** The frame with each of its numbers exchanged by each of the hard ones, one at a time. */
export const withHardNumbers = (frame: string): readonly string[] => {
  const count = [...frame.matchAll(numbers)].length;
  return Array.from({ length: count }, (_, at) =>
    hardNumbers.map((text) => numberExchanged(frame, (at + 0.5) / count, text)),
  ).flat();
};

/** A run of digits and points, those of a time or an id among them. */
const numberExchanged = (frame: string, where: number, text: string): string => {
  const found = [...frame.matchAll(numbers)];
  const hit = found[Math.floor(where * found.length)];
  if (hit === undefined) return frame;
  return frame.slice(0, hit.index) + text + frame.slice(hit.index + hit[0].length);
};

/** Two fields of the frame in each other's place, or the first one twice. */
const fieldsMoved = (frame: string, one: number, two: number, isTwice: boolean): string => {
  const fields = frame.split(/,(?=")/);
  const a = Math.floor(one * fields.length);
  const b = Math.floor(two * fields.length);
  const first = fields[a] ?? '';
  const moved = fields.with(b, first);
  return (isTwice ? moved : moved.with(a, fields[b] ?? '')).join();
};

const piece = fc.oneof(
  number,
  fc.constantFrom('"', '\\', '\\"', '}', '{', ']', ',', ':', ' ', '\n', '\0', '\x7f', 'é', '币'),
  fc.constantFrom('true', 'null', '"buy"', '\\u0041', ',"x":1', ',"M":true', '}}', '"}', ']}'),
);

const editText = (frames: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...frames), place, place, piece, number, fc.nat(6))
    .map(([frame, one, two, text, value, way]) => {
      const at = Math.floor(one * (frame.length + 1));
      if (way <= 2) return numberExchanged(frame, one, value);
      if (way === 3) return fieldsMoved(frame, one, two, text.length % 2 === 0);
      if (way === 4) return frame.slice(0, at) + text + frame.slice(at);
      if (way === 5) return frame.slice(0, at) + frame.slice(at + 1 + Math.floor(two * 4));
      return frame.slice(0, at);
    });

/** One byte exchanged by any other: no longer UTF-8, perhaps. */
const flipByte = (frames: readonly string[]): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.constantFrom(...frames), place, fc.nat(255)).map(([frame, where, byte]) => {
    const bytes = bytesOf(frame);
    return bytes.with(Math.floor(where * bytes.length), byte);
  });

/** Frames with one or two edits; several of their numbers are exchanged most often. */
export const mutated = (frames: readonly string[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: editText(frames).map(bytesOf) },
    { weight: 1, arbitrary: flipByte(frames) },
    {
      weight: 2,
      arbitrary: editText(frames)
        .chain((frame) => editText([frame]))
        .map(bytesOf),
    },
  );
