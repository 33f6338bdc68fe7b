import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseDecimal } from '../market/decimal.ts';
import { parseInteger } from '../market/integer.ts';
import { microsFromIso } from '../market/time.ts';
import { Literal, Scanner } from './scanner.ts';

const encoder = new TextEncoder();

/** A scanner of `text` and a brace, which ends where its memory ends. */
const over = (text: string): Scanner => {
  const bytes = encoder.encode(`${text}}`);
  const scanner = new Scanner();
  const view = new DataView(bytes.buffer);
  expect(scanner.begin({ bytes, view, from: 0, to: bytes.length })).toBe(true);
  return scanner;
};

const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from('00123456789')), maxLength });

const jsonNumber = /^(0|[1-9][0-9]*)(\.[0-9]+)?$/;

describe('decimals', () => {
  const plain = fc
    .tuple(digits(18), fc.constantFrom('', '.'), digits(24))
    .map((all) => all.join(''));
  /** Within 2^53 only without the zeros at its end. */
  const padded = fc
    .tuple(fc.integer({ min: 1e14, max: 1e15 - 1 }), fc.nat(7))
    .map(([units, zeros]) => `0.${units}${'0'.repeat(zeros)}`);

  test('takes what JSON calls a number as parseDecimal does, and refuses all else', () => {
    fc.assert(
      fc.property(fc.oneof(plain, padded, fc.string()), (text) => {
        const scanner = over(text);
        if (!(scanner.decimal() && scanner.ends(1))) return;
        expect(text).toMatch(jsonNumber);
        const value = parseDecimal(text);
        expect(value && { ...value }).toEqual(scanner.taken());
        expect(scanner.isZero()).toBe(value?.units === 0);
      }),
      { numRuns: 5000 },
    );
  });

  test('takes whatever fits in 2^53 and 24 characters', () => {
    const whole = fc.nat(Number.MAX_SAFE_INTEGER).map(String);
    const part = fc.tuple(fc.nat(9_999_999), digits(7)).map(([units, rest]) => `${units}.${rest}1`);
    fc.assert(
      fc.property(fc.oneof(whole, part), (text) => {
        const scanner = over(text);
        expect(scanner.decimal() && scanner.ends(1)).toBe(true);
        expect<object | undefined>(scanner.taken()).toEqual(parseDecimal(text));
      }),
    );
  });

  test.each(['', '.', '.5', '5.', '-1', '+1', '00', '01.5', '1e5', '1.5e5', '9007199254740992'])(
    'refuses %p',
    (text) => {
      const scanner = over(text);
      expect(scanner.decimal() && scanner.ends(1)).toBe(false);
    },
  );
});

test('takes integers as JSON writes them, to the last one that a number holds', () => {
  const near = fc.nat(999_999).map((below) => String(Number.MAX_SAFE_INTEGER - below));
  fc.assert(
    fc.property(fc.oneof(digits(20), near, fc.string()), (text) => {
      const scanner = over(text);
      const isTaken = scanner.integer() && scanner.ends(1);
      const value = /^(0|[1-9][0-9]*)$/.test(text) ? parseInteger(text) : undefined;
      expect(isTaken).toBe(typeof value === 'number');
      if (isTaken) expect(value).toBe(scanner.value);
    }),
  );
});

describe('times', () => {
  const two = fc.nat(99).map((value) => String(value).padStart(2, '0'));
  const iso = fc
    .tuple(fc.constantFrom('1969', '1970', '2024', '2025', '2255', '9999'), two, two, two, two, two)
    .chain(([year, month, day, hour, minute, second]) =>
      fc.tuple(fc.nat(999_999), fc.constantFrom('Z', 'z', '+', '')).map(([part, zone]) => {
        const clock = `${hour}:${minute}:${second}.${String(part).padStart(6, '0')}`;
        return `${year}-${month}-${day}T${clock}${zone}`;
      }),
    );
  const good = fc
    .date({ min: new Date(0), max: new Date('2255-06-05'), noInvalidDate: true })
    .map((date) => `${date.toISOString().slice(0, -1)}042Z`);

  test('one scanner after the other reads them as microsFromIso does', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(iso, good)), (texts) => {
        const bytes = encoder.encode(`${texts.join('"')}"}`);
        const scanner = new Scanner();
        const view = new DataView(bytes.buffer);
        let from = 0;
        for (const text of texts) {
          scanner.begin({ bytes, view, from, to: bytes.length });
          from += text.length + 1;
          if (text.endsWith('Z')) {
            expect(scanner.timeText() ? scanner.value : undefined).toBe(microsFromIso(text));
          } else expect(scanner.timeText()).toBe(false);
        }
      }),
    );
  });

  test('the minute before is remembered for that minute only', () => {
    const scanner = new Scanner();
    const read = (text: string): number | undefined => {
      const bytes = encoder.encode(`${text}"}`);
      const view = new DataView(bytes.buffer);
      scanner.begin({ bytes, view, from: 0, to: bytes.length });
      return scanner.timeText() ? scanner.value : undefined;
    };
    for (const text of [
      '2024-02-29T23:59:59.999999Z',
      '2024-02-29T23:59:00.000000Z',
      '2024-02-29T23:59:60.000000Z',
      '2024-02-29T23:59:59.99999xZ',
      '2024-03-01T00:00:00.000000Z',
      '2024-02-30T00:00:00.000000Z',
      '2024-02-30T00:00:00.000000Z',
      '2024-02-29T23:59:01.000000Z',
    ]) {
      expect(`${text} ${read(text)}`).toBe(`${text} ${microsFromIso(text)}`);
    }
  });

  test('refuses the last microseconds of 2255, which no number holds', () => {
    expect(over('2255-06-05T23:47:34.740991Z"').timeText()).toBe(true);
    expect(over('2255-06-05T23:47:34.740992Z"').timeText()).toBe(false);
  });
});

describe('texts', () => {
  test('ends at the quote where JSON.parse ends, and refuses what it would unescape', () => {
    const unit = fc.oneof(
      fc.string({ minLength: 1, maxLength: 1 }),
      fc.constantFrom('"', '\\', '\n', '\0', '\x1f', ' ', '\x7f', 'é', '币'),
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
        const scanner = over(`${text}"`);
        const plain = text.slice(0, text.includes('"') ? text.indexOf('"') : text.length);
        const isPlain = Array.from(plain).every((char) => char >= ' ' && char !== '\\');
        expect(scanner.text()).toBe(isPlain);
        if (isPlain) expect(scanner.at).toBe(encoder.encode(plain).length + 1);
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses a text that does not end', () => {
    for (const text of ['', 'a', 'abc', 'abcd', 'abcdefg']) expect(over(text).text()).toBe(false);
  });
});

test('a literal is taken whole or not at all, and never from behind the frame', () => {
  for (const text of ['abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh', 'abcdefghi']) {
    const literal = new Literal(text);
    expect(over(text).takes(literal)).toBe(true);
    for (let at = 0; at < text.length; at++) {
      const scanner = over(`${text.slice(0, at)}X${text.slice(at + 1)}`);
      expect(scanner.takes(literal)).toBe(false);
      expect(scanner.at).toBe(0);
    }
    const bytes = encoder.encode(`}${text}`);
    const scanner = new Scanner();
    scanner.begin({ bytes, view: new DataView(bytes.buffer), from: 0, to: 1 });
    scanner.takesByte(0x7d);
    expect(scanner.takes(literal)).toBe(false);
  }
});

test('skips any plain number, and no other', () => {
  for (const text of ['0', '-0', '12.50', '-0.24', '1'.repeat(500)]) {
    const scanner = over(text);
    expect(scanner.skipNumber() && scanner.ends(1)).toBe(true);
  }
  for (const text of ['', '-', '--1', '01', '1.', '.5', '1e5', '1.5E5', 'NaN']) {
    const scanner = over(text);
    expect(scanner.skipNumber() && scanner.ends(1)).toBe(false);
  }
});

test('an empty frame and one that does not end in a brace are refused at once', () => {
  const bytes = encoder.encode('}{');
  const view = new DataView(bytes.buffer);
  expect(new Scanner().begin({ bytes, view, from: 1, to: 1 })).toBe(false);
  expect(new Scanner().begin({ bytes, view, from: 0, to: 2 })).toBe(false);
});
