import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatDecimal, parseDecimal, type Decimal } from '../../market/decimal.ts';
import { MdpError } from '../../runtime/errors.ts';
import { BinaryRows } from './binary-rows.ts';

const headerBytes = 19;
const rowBytes = 2;

/** The bytes of one field, without its length. */
function fieldOf(write: (rows: BinaryRows) => void): Buffer {
  const rows = new BinaryRows();
  rows.begin();
  rows.row(1);
  write(rows);
  const bytes = Buffer.from(rows.end());
  const length = bytes.readInt32BE(headerBytes + rowBytes);
  const field = bytes.subarray(headerBytes + rowBytes + 4, -2);
  expect(field.length).toBe(Math.max(length, 0));
  return field;
}

/**
 * What PostgreSQL makes of a binary numeric: the sum of digit * 10000^(weight - index), with
 * `scale` decimals.
 */
function textOfNumeric(field: Buffer): string {
  const count = field.readInt16BE(0);
  const weight = field.readInt16BE(2);
  const sign = field.readInt16BE(4) === 0x4000 ? -1n : 1n;
  const scale = field.readInt16BE(6);
  // Far more decimals than any number here has, so that every power is whole.
  const shift = 40;
  let units = 0n;
  for (let index = 0; index < count; index += 1) {
    const digit = field.readInt16BE(8 + 2 * index);
    expect(digit).toBeWithin(0, 10_000);
    units += BigInt(digit) * 10_000n ** BigInt(weight - index + shift);
  }
  const places = BigInt(4 * shift - scale);
  expect(units % 10n ** places).toBe(0n);
  return formatDecimal({ units: (sign * units) / 10n ** places, scale });
}

const decimals: fc.Arbitrary<Decimal> = fc
  .tuple(
    fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
    fc.nat({ max: 50 }),
    fc.nat({ max: 20 }),
  )
  .map(([digits, cut, scale]) => {
    const value = parseDecimal(`${digits / 10n ** BigInt(cut)}e-${scale}`);
    if (value === undefined) throw new Error('the arbitrary is out of bounds');
    return value;
  });

test('writes every decimal as the numeric with the same digits', () => {
  fc.assert(
    fc.property(decimals, (value) => {
      const field = fieldOf((rows) => rows.numeric(value));
      expect(textOfNumeric(field)).toBe(formatDecimal(value));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['0', '0000000000000000'],
  ['1', '00010000000000000001'],
  ['10000', '00010001000000000001'],
  ['0.0001', '0001ffff000000040001'],
  ['-97000.1', '000300014000000100091b5803e8'],
])('writes %s as numeric_send does', (text, hex) => {
  const value = parseDecimal(text);
  expect(fieldOf((rows) => rows.numeric(value)).toString('hex')).toBe(hex);
});

test('writes integers of 64 bits whether they are numbers or bigints', () => {
  const wire = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(wire, (value) => {
      const safe = Number.isSafeInteger(Number(value));
      const field = fieldOf((rows) => rows.int8(safe ? Number(value) : value));
      expect(field.readBigInt64BE()).toBe(value);
    }),
  );
});

test('refuses an integer of more than 64 bits with the SQLSTATE for out of range', () => {
  const refused = (): void => void fieldOf((rows) => rows.int8(2n ** 63n));
  expect(refused).toThrow(MdpError);
  expect(refused).toThrow(expect.objectContaining({ context: { sqlstate: '22003' } }));
});

test('counts time from 2000, to the microsecond', () => {
  const field = fieldOf((rows) => rows.time(1_795_435_200_123_456));
  expect(field.readBigInt64BE()).toBe(1_795_435_200_123_456n - 946_684_800_000_000n);
  expect(fieldOf((rows) => rows.time(0)).readBigInt64BE()).toBe(-946_684_800_000_000n);
});

test('writes text as UTF-8, with a replacement character for NUL', () => {
  expect(fieldOf((rows) => rows.text('a\0é€😀')).toString('utf8')).toBe('a\uFFFDé€😀');
  expect(fieldOf((rows) => rows.text('')).length).toBe(0);
});

test('keeps every byte when a batch outgrows its buffer, and starts the next one clean', () => {
  const rows = new BinaryRows();
  const long = 'x'.repeat(300_000);
  rows.begin();
  for (let index = 0; index < 10; index += 1) {
    rows.row(2);
    rows.text(long);
    rows.int4(index);
  }
  const first = rows.end();
  expect(first.length).toBe(headerBytes + 10 * (rowBytes + 4 + long.length + 8) + 2);
  expect(Buffer.from(first.subarray(-6)).toString('hex')).toBe('00000009ffff');
  rows.begin();
  expect(rows.end().length).toBe(headerBytes + 2);
});
