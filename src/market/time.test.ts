import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  formatTime,
  microsFromIso,
  microsFromMicros,
  microsFromMillis,
  microsFromNanos,
  microsFromSeconds,
} from './time.ts';

const lastMillis = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
const millis = fc.integer({ min: 0, max: lastMillis });
const micros = fc.maxSafeNat();

test('reads every millisecond that Date prints', () => {
  fc.assert(
    fc.property(millis, (ms) => {
      expect(microsFromIso(new Date(ms).toISOString())).toBe(ms * 1000);
    }),
  );
});

test('reads back every microsecond it prints', () => {
  fc.assert(
    fc.property(micros, (time) => {
      expect(microsFromIso(formatTime(time))).toBe(time);
    }),
  );
});

test('an offset moves the clock, not the instant', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 86_400_000, max: lastMillis - 86_400_000 }),
      fc.integer({ min: -1439, max: 1439 }),
      (ms, offset) => {
        const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
        const size = Math.abs(offset);
        const hours = String(Math.floor(size / 60)).padStart(2, '0');
        const zone = `${offset < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`;
        expect(microsFromIso(local + zone)).toBe(ms * 1000);
        expect(microsFromIso(local, offset)).toBe(ms * 1000);
      },
    ),
  );
});

const noon = 1_795_435_200_000_000;
test.each([
  ['2026-11-23T12:00:00Z', noon],
  ['2026-11-23 12:00:00Z', noon],
  ['2026-11-23T12:00:00.1Z', noon + 100_000],
  ['2026-11-23T12:00:00.123456Z', noon + 123_456],
  ['2026-11-23T12:00:00.1234567Z', noon + 123_456],
  ['2026-11-23T12:00:00.123456999Z', noon + 123_456],
  ['2026-11-23T12:00:00.999999999Z', noon + 999_999],
  ['2026-11-23T21:00:00+09:00', noon],
  ['2026-11-23T17:30:00+0530', noon],
  ['2026-11-23T04:00:00.5-08:00', noon + 500_000],
  ['1970-01-01T00:00:00Z', 0],
  ['1969-12-31T23:00:00-01:30', 1_800_000_000],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29) * 1000],
  ['2255-06-05T23:47:34.740991Z', Number.MAX_SAFE_INTEGER],
])('%p', (text, time) => {
  expect(microsFromIso(text)).toBe(time);
});

test('a text without a zone needs to be told one', () => {
  expect(microsFromIso('2021-06-02 08:43:34.555058')).toBeUndefined();
  expect(microsFromIso('2021-06-02 08:43:34.555058', 540)).toBe(
    Date.UTC(2021, 5, 1, 23, 43, 34) * 1000 + 555_058,
  );
  expect(microsFromIso('2021-06-02T08:43:34Z', 540)).toBe(Date.UTC(2021, 5, 2, 8, 43, 34) * 1000);
});

test.each([
  '',
  '2026-02-31T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2100-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T25:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00.1234567890Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+00:60',
  '2026-01-01T00:00Z',
  '2026-01-01',
  '2026-1-1T00:00:00Z',
  ' 2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\n',
  '1969-12-31T23:59:59Z',
  '0001-01-01T00:00:00.000000Z',
  '0070-01-01T00:00:00Z',
  '2255-06-05T23:47:34.740992Z',
  '9999-12-31T23:59:59Z',
  '2026-08-09 21:05:48.854840045 +0000 UTC m=+41691.260485341',
])('%p is no time', (text) => {
  expect(microsFromIso(text)).toBeUndefined();
});

test('each unit reads the same instant, from numbers and from text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Math.floor(lastMillis / 1000) }), (seconds) => {
      const time = seconds * 1_000_000;
      expect(microsFromSeconds(seconds)).toBe(time);
      expect(microsFromSeconds(String(seconds))).toBe(time);
      expect(microsFromMillis(seconds * 1000)).toBe(time);
      expect(microsFromMillis(`${seconds}000.000`)).toBe(time);
      expect(microsFromMicros(time)).toBe(time);
      expect(microsFromMicros(String(time))).toBe(time);
      expect(microsFromNanos(`${time}999`)).toBe(time);
      expect(microsFromNanos(BigInt(time) * 1000n + 1n)).toBe(time);
    }),
  );
});

test('decimals are read from the text and cut off, never rounded', () => {
  expect(microsFromSeconds('1617666461.465618')).toBe(1_617_666_461_465_618);
  expect(microsFromSeconds('1617666461.4656189999')).toBe(1_617_666_461_465_618);
  expect(microsFromSeconds(1617666461.465618)).toBe(1_617_666_461_465_618);
  expect(microsFromMillis('1619093543708.2642')).toBe(1_619_093_543_708_264);
  expect(microsFromNanos('1723161253937085768')).toBe(1_723_161_253_937_085);
  expect(microsFromNanos(1_723_161_253_937_085_768n)).toBe(1_723_161_253_937_085);
  expect(microsFromNanos(999)).toBe(0);
});

test.each(['', 'now', 'NaN', '-1', '-0.0000001', '1e30', '9007199255'])(
  '%p s is no time',
  (text) => {
    expect(microsFromSeconds(text)).toBeUndefined();
  },
);

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300])('%p s is no time', (value) => {
  expect(microsFromSeconds(value)).toBeUndefined();
});

test('prints six decimals, always', () => {
  expect(formatTime(0)).toBe('1970-01-01T00:00:00.000000Z');
  expect(formatTime(1_795_435_200_000_007)).toBe('2026-11-23T12:00:00.000007Z');
  expect(formatTime(Number.MAX_SAFE_INTEGER)).toBe('2255-06-05T23:47:34.740991Z');
});
