import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { stableId } from './id.ts';
import { integerOf } from './integer.ts';

/** FNV-1a as its authors write it, in bigint. */
function reference(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash & 0x7fff_ffff_ffff_ffffn;
}

test('agrees with the published vectors of FNV-1a', () => {
  expect(stableId('')).toBe(0x4bf29ce484222325n);
  expect(stableId('a')).toBe(0x2f63dc4c8601ec8cn);
  expect(stableId('foobar')).toBe(0x05944171f73967e8n);
});

test('agrees with FNV-1a in bigint for every text, and is positive', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(stableId(text)).toBe(integerOf(reference(text)));
      expect(stableId(text) > 0).toBe(true);
    }),
  );
});
