import { expect, test } from 'bun:test';
import { editDistance, nearest } from './nearest.ts';

test('counts insertions, deletions, substitutions and swaps', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('flush_ms', 'flush_ms')).toBe(0);
  expect(editDistance('flsh_ms', 'flush_ms')).toBe(1);
  expect(editDistance('fluhs_ms', 'flush_ms')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
});

test('finds the name that was meant, and none for another word', () => {
  const known = ['oldest', 'newest', 'block'];
  expect(nearest('OLDST', known)).toBe('oldest');
  expect(nearest('blok', known)).toBe('block');
  expect(nearest('whatever', known)).toBeUndefined();
});
