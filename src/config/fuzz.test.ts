import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { leaves } from './leaves.ts';
import { shippedConfig } from './shipped.ts';
import { refusal } from './testing.ts';

const RUNS = 500;

/** Neither crashes nor hangs: taken, or refused with a line for each problem. */
function isDefined(yaml: string, env: Readonly<Record<string, string>> = {}): void {
  const lines = refusal({ files: { 'config.yaml': yaml }, env });
  expect(lines.every((line) => !line.includes('undefined'))).toBe(true);
}

const word = fc.constantFrom(
  ...new Set(leaves.flatMap(({ path }) => [...path])),
  'type',
  'symbols',
);
const scalar = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
  fc.constantFrom('coinbase', 'synthetic', 'replay', '4MiB', '7d', 'keep', 'block'),
);
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(word, fc.string()), tie('node'), { maxKeys: 5 }),
  ),
})).node;

test('random trees of known and unknown keys are taken or refused', () => {
  fc.assert(
    fc.property(fc.dictionary(word, tree), (root) => isDefined(stringify(root))),
    {
      numRuns: RUNS,
    },
  );
});

test('random text is taken or refused', () => {
  const text = fc.string({
    unit: fc.constantFrom(...Array.from('a1:-[]{}"\'#&*!|>%@`,?~ \n\t\u0000é')),
  });
  fc.assert(
    fc.property(text, (yaml) => isDefined(yaml)),
    { numRuns: RUNS },
  );
});

test('the shipped file with a piece cut out or put in is taken or refused', () => {
  const place = fc.nat({ max: shippedConfig.length });
  const change = fc.tuple(place, fc.nat({ max: 80 }), fc.string());
  const property = fc.property(change, ([at, length, put]) => {
    isDefined(shippedConfig.slice(0, at) + put + shippedConfig.slice(at + length));
  });
  fc.assert(property, { numRuns: RUNS });
});

test('random variables are taken or refused', () => {
  const name = fc.oneof(
    fc.constantFrom(...leaves.map(({ variable }) => variable), 'DATABASE_URL', 'API_KEY'),
    fc.string().map((text) => `PIPELINE_${text}`),
  );
  const property = fc.property(fc.dictionary(name, fc.string()), (env) => isDefined('', env));
  fc.assert(property, { numRuns: RUNS });
});
