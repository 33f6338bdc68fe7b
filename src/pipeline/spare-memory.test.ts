import { expect, test } from 'bun:test';
import { SpareMemory } from './spare-memory.ts';

test('gives the memory that was given last, and holds no more than its bound', () => {
  const spare = new SpareMemory(300);
  const [first, second, third] = [100, 200, 1].map((bytes) => new ArrayBuffer(bytes));
  for (const buffer of [first, second, third]) if (buffer !== undefined) spare.give(buffer);
  expect(spare.bytes).toBe(300);
  expect([spare.take(), spare.take(), spare.take()]).toEqual([second, first, undefined]);
  expect(spare.bytes).toBe(0);
});
