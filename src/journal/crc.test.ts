import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { crc32 } from './crc.ts';
import { viewOf } from './format.ts';

test('is the CRC-32 of Bun, wherever the bytes lie and whatever comes before', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(40),
      fc.nat(40),
      fc.nat(2 ** 32 - 1),
      (bytes, before, behind, seed) => {
        const from = Math.min(before, bytes.length);
        const to = Math.max(from, bytes.length - behind);
        const part = bytes.slice(from, to);
        expect(crc32(viewOf(bytes), from, to, seed)).toBe(Bun.hash.crc32(part, seed));
      },
    ),
    { numRuns: 2000 },
  );
});

test('goes on where another ended, also with the text of ASCII bytes', () => {
  const text = '{"e":"trade","p":"61837.63000000"}';
  const bytes = Buffer.from(`head${text}`);
  const head = crc32(viewOf(bytes), 0, 4, 7);
  expect(Bun.hash.crc32(text, head)).toBe(Bun.hash.crc32(bytes, 7));
  expect(crc32(viewOf(bytes), 4, bytes.length, head)).toBe(Bun.hash.crc32(bytes, 7));
});
