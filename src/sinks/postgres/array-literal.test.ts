import { expect, test } from 'bun:test';
import { bytesArray, plainArray, textArray } from './array-literal.ts';

test('writes numbers, booleans and nulls plain', () => {
  expect(plainArray([1, -2n, true, undefined, '97000.1'])).toBe('{1,-2,true,NULL,97000.1}');
  expect(plainArray([])).toBe('{}');
});

test('quotes every text, so that none is taken for syntax or for null', () => {
  const texts = ['a', '', 'NULL', 'a,b', '{c}', 'd"e', String.raw`f\g`, undefined];
  expect(textArray(texts)).toBe(String.raw`{"a","","NULL","a,b","{c}","d\"e","f\\g",NULL}`);
});

test('writes bytes in hex', () => {
  expect(bytesArray([new Uint8Array([0, 255]), new Uint8Array()])).toBe(
    String.raw`{"\\x00ff","\\x"}`,
  );
});
