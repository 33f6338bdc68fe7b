import { expect, test } from 'bun:test';
import { MemoryBudget } from './memory.ts';

test('batches reach their bound while there is room for records', () => {
  const memory = new MemoryBudget(1000);
  memory.addBatches(749);
  expect(memory.sinkFull).toBe(false);
  memory.addBatches(1);
  expect(memory.sinkFull).toBe(true);
  expect(memory.full).toBe(false);
  memory.addBlocks(250);
  expect(memory.full).toBe(true);
});

test('records alone never make the reader wait for the sink', () => {
  const memory = new MemoryBudget(1000);
  memory.addBlocks(5000);
  expect(memory.full).toBe(true);
  expect(memory.sinkFull).toBe(false);
});

test('a block or batch takes at most an eighth', () => {
  expect(new MemoryBudget(800).share(4096)).toBe(100);
  expect(new MemoryBudget(800_000).share(4096)).toBe(4096);
});
