import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { byteSizeText, durationText, parseByteSize, parseDuration } from './quantities.ts';

test('reads sizes in bytes, binary and decimal units', () => {
  expect(parseByteSize('512000')).toBe(512_000);
  expect(parseByteSize('4MiB')).toBe(4 * 1024 ** 2);
  expect(parseByteSize('4 MB')).toBe(4_000_000);
});

test('reads times, and 0 without a unit', () => {
  expect(parseDuration('250ms')).toBe(250);
  expect(parseDuration('12h')).toBe(43_200_000);
  expect(parseDuration('2w')).toBe(14 * 86_400_000);
  expect(parseDuration('0')).toBe(0);
});

test.each(['', '-1', '1.5MiB', '4mib', '4 apples', '1e3', '9999999TiB', 'MiB', '0x10'])(
  'does not take %p for a size',
  (text) => {
    expect(parseByteSize(text)).toBeUndefined();
  },
);

test.each(['', '5', '-1s', '1.5h', '1 year', 's', '1h30m'])(
  'does not take %p for a time',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (count) => {
      expect(parseByteSize(byteSizeText(count))).toBe(count);
      expect(parseDuration(durationText(count))).toBe(count);
    }),
  );
});
