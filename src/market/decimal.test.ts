import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  addDecimal,
  compareDecimal,
  DecimalSum,
  divideHalfEven,
  formatDecimal,
  fromJson,
  multiplyDecimal,
  parseDecimal,
  signOf,
  toJson,
  ZERO,
  type Decimal,
} from './decimal.ts';

/** The model: `units / 10^scale` in bigint, never canonicalised. */
type Model = { readonly units: bigint; readonly scale: number };

const digits = (length: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: -(10n ** BigInt(length)) + 1n, max: 10n ** BigInt(length) - 1n });
const models: fc.Arbitrary<Model> = fc.record({
  units: fc.oneof(digits(3), digits(9), digits(16), digits(20), digits(38), fc.constant(0n)),
  scale: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(18), fc.integer({ max: 38, min: 0 })),
});

function plainText({ units, scale }: Model): string {
  const text = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const split = text.length - scale;
  const [sign, point] = [units < 0n ? '-' : '', scale > 0 ? '.' : ''];
  return sign + text.slice(0, split) + point + text.slice(split);
}

function canonicalText(model: Model): string {
  const plain = plainText(model);
  const short = plain.includes('.') ? plain.replace(/0+$/, '').replace(/\.$/, '') : plain;
  return short === '-0' ? '0' : short;
}

function read(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`not a decimal: ${text}`);
  return value;
}

const decimalOf = (model: Model): Decimal => read(plainText(model));
const at = ({ units, scale }: Model, to: number): bigint => units * 10n ** BigInt(to - scale);

test('prints what it read, without superfluous zeros, and in one form for one value', () => {
  fc.assert(
    fc.property(models, fc.nat(4), (model, zeros) => {
      const padded = plainText(model) + (model.scale > 0 ? '0'.repeat(zeros) : '');
      expect(formatDecimal(read(padded))).toBe(canonicalText(model));
      expect(read(padded)).toEqual(read(canonicalText(model)));
    }),
  );
});

test('reads an exponent as the same value written out', () => {
  fc.assert(
    fc.property(digits(20), fc.integer({ min: -38, max: 20 }), (units, exponent) => {
      const model =
        exponent < 0
          ? { units, scale: -exponent }
          : { units: units * 10n ** BigInt(exponent), scale: 0 };
      expect(formatDecimal(read(`${units}e${exponent}`))).toBe(canonicalText(model));
      expect(formatDecimal(read(`${units}.0E${exponent}`))).toBe(canonicalText(model));
    }),
  );
});

test.each([
  ['97000.10', '97000.1'],
  ['5e-8', '0.00000005'],
  ['1.58E-4', '0.000158'],
  ['1E+3', '1000'],
  ['-0', '0'],
  ['-0.000', '0'],
  ['0e999999999', '0'],
  ['+1.50', '1.5'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['000123.4500', '123.45'],
  ['100', '100'],
  ['9007199254740993', '9007199254740993'],
  ['0.000000000000000001', '0.000000000000000001'],
  ['18446744073709551615.999999999999999999', '18446744073709551615.999999999999999999'],
  ['-1e-38', `-0.${'0'.repeat(37)}1`],
  ['1e63', `1${'0'.repeat(63)}`],
])('%p is %p', (text, canonical) => {
  expect(formatDecimal(read(text))).toBe(canonical);
});

const notDecimals = [
  '',
  '-',
  '.',
  '-.',
  'e5',
  '1e',
  '1e+',
  '1.2.3',
  '--1',
  '+-1',
  '1-',
  ' 1',
  '1 ',
];
const otherForms = [
  'NaN',
  'Infinity',
  '-Infinity',
  '0x10',
  '0b1',
  '1_000',
  '1,5',
  '1n',
  '٣',
  '1e1.5',
];
const outOfBounds = ['1e64', '1e-39', '9'.repeat(65), `0.${'0'.repeat(38)}1`, '0'.repeat(161)];
test.each([...notDecimals, ...otherForms, ...outOfBounds])('%p is no decimal', (text) => {
  expect(parseDecimal(text)).toBeUndefined();
});

test('an absurd exponent costs nothing', () => {
  const start = performance.now();
  for (const text of ['1e999999999', '1e-999999999', `1e${'9'.repeat(150)}`]) {
    expect(parseDecimal(text)).toBeUndefined();
  }
  expect(performance.now() - start).toBeLessThan(50);
});

test('takes no text that is not a decimal', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0123456789.-+eE')) }), (text) => {
      const value = parseDecimal(text);
      if (value === undefined) return;
      expect(text).toMatch(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/);
      expect(Number(formatDecimal(value))).toBe(Number(text) + 0);
    }),
    { numRuns: 2000 },
  );
});

test('compares as the numbers do', () => {
  fc.assert(
    fc.property(models, models, (a, b) => {
      const [left, right] = [at(a, 38), at(b, 38)];
      const order = Number(left > right) - Number(left < right);
      expect(compareDecimal(decimalOf(a), decimalOf(b))).toBe(order);
      expect<number>(signOf(decimalOf(a))).toBe(Number(left > 0n) - Number(left < 0n));
    }),
  );
});

test('sums and products lose no digit', () => {
  fc.assert(
    fc.property(models, models, (a, b) => {
      const sum = { units: at(a, 38) + at(b, 38), scale: 38 };
      const product = { units: a.units * b.units, scale: a.scale + b.scale };
      expect(formatDecimal(addDecimal(decimalOf(a), decimalOf(b)))).toBe(canonicalText(sum));
      expect(formatDecimal(multiplyDecimal(decimalOf(a), decimalOf(b)))).toBe(
        canonicalText(product),
      );
    }),
  );
});

test('a quotient is off by at most half a unit, and a tie goes to the even digit', () => {
  fc.assert(
    fc.property(models, models, fc.nat(18), (a, b, scale) => {
      fc.pre(b.units !== 0n);
      const quotient = divideHalfEven(decimalOf(a), decimalOf(b), scale);
      const units = at({ units: BigInt(quotient.units), scale: quotient.scale }, scale);
      // |a / b - units / 10^scale| <= 1/2 in units of 10^-scale, with everything times 2 * b.
      const exact = at(a, 76) * 10n ** BigInt(scale) * 2n;
      const off = exact - units * 2n * at(b, 76);
      const half = at(b, 76);
      const [error, bound] = [off < 0n ? -off : off, half < 0n ? -half : half];
      expect(error <= bound).toBe(true);
      if (error === bound) expect(units % 2n).toBe(0n);
    }),
  );
});

test.each([
  ['1', '3', 4, '0.3333'],
  ['2', '3', 4, '0.6667'],
  ['0.5', '1', 0, '0'],
  ['1.5', '1', 0, '2'],
  ['2.5', '1', 0, '2'],
  ['-2.5', '1', 0, '-2'],
  ['-3.5', '1', 0, '-4'],
  ['0', '7', 5, '0'],
  ['1', '0.00000001', 2, '100000000'],
])('%p / %p with %p decimals is %p', (a, b, scale, quotient) => {
  expect(formatDecimal(divideHalfEven(read(a), read(b), scale))).toBe(quotient);
});

test('refuses to divide by zero', () => {
  expect(() => divideHalfEven(read('1'), ZERO, 2)).toThrow(RangeError);
});

const steps = fc.array(fc.tuple(models, fc.option(models)), { maxLength: 40 });

const sumOf = (from: readonly (readonly [Model, Model | null])[]): DecimalSum => {
  const sum = new DecimalSum();
  for (const [a, b] of from) {
    if (b === null) sum.add(decimalOf(a));
    else sum.addProduct(decimalOf(a), decimalOf(b));
  }
  return sum;
};

test('a sum equals the bigint sum of every value and product added, in any order', () => {
  fc.assert(
    fc.property(steps, (values) => {
      const total = values.reduce(
        (sum, [a, b]) =>
          sum +
          (b === null ? at(a, 76) : at({ units: a.units * b.units, scale: a.scale + b.scale }, 76)),
        0n,
      );
      const text = canonicalText({ units: total, scale: 76 });
      expect(formatDecimal(sumOf(values).value())).toBe(text);
      expect(formatDecimal(sumOf(values.toReversed()).value())).toBe(text);
    }),
  );
});

test('a sum of two parts merged, a clone, and a copy through JSON are the same sum', () => {
  fc.assert(
    fc.property(steps, steps, models, (first, second, more) => {
      const whole = sumOf([...first, ...second]);
      const merged = sumOf(first);
      merged.merge(sumOf(second));
      const copies = [merged, whole.clone(), DecimalSum.fromJson(whole.toJson())];
      whole.add(decimalOf(more));
      for (const copy of copies) {
        copy?.add(decimalOf(more));
        expect(copy?.value()).toEqual(whole.value());
      }
    }),
  );
});

test('a clone of a sum goes its own way', () => {
  const sum = new DecimalSum();
  sum.add(read('1.5'));
  const copy = sum.clone();
  copy.add(read('1e30'));
  expect(sum.toJson()).toBe('1.5');
  expect(copy.toJson()).toBe('1000000000000000000000000000001.5');
});

test('a sum passes 2^53 in both directions without losing a unit', () => {
  const sum = new DecimalSum();
  sum.add(read('9007199254740991'));
  sum.add(read('2'));
  expect(sum.toJson()).toBe('9007199254740993');
  sum.add(read('-9007199254740992.5'));
  expect(sum.toJson()).toBe('0.5');
  sum.add(read('-9007199254740991'));
  sum.add(read('-3'));
  expect(sum.toJson()).toBe('-9007199254740993.5');
});

test('reads back what it saved, longer than anything a venue may send, and nothing else', () => {
  const long = multiplyDecimal(
    read(`${'9'.repeat(26)}.${'9'.repeat(38)}`),
    read(`1.${'9'.repeat(38)}`),
  );
  expect(fromJson(toJson(long))).toEqual(long);
  expect(DecimalSum.fromJson('12,5')).toBeUndefined();
});
