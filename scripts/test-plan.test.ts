import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { ALONE, planOf, testFiles } from './test-plan.ts';

const files = testFiles(join(import.meta.dir, '..'));

test('finds the test files of this tree, and none of its packages', () => {
  expect(files).toContain('scripts/test-plan.test.ts');
  expect(files).toContain('src/market/decimal.test.ts');
  expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
});

test('every file runs once', () => {
  const { together, alone } = planOf(files, []);
  expect([...together, ...alone].toSorted()).toEqual([...files]);
});

test.each(ALONE)('%s runs alone, and is there', (path) => {
  const { together, alone } = planOf(files, []);
  expect(together.filter((file) => file.startsWith(path))).toEqual([]);
  expect(alone.filter((file) => file.startsWith(path))).not.toEqual([]);
});

test('takes the files whose path has one of the words', () => {
  const [first = ''] = ALONE;
  expect(planOf(files, ['scripts/test-plan', `./${first}`])).toEqual({
    together: ['scripts/test-plan.test.ts'],
    alone: [first],
    options: [],
  });
  expect(planOf(files, ['nowhere'])).toEqual({ together: [], alone: [], options: [] });
});

test('with an option, and the word that belongs to it, all run one after the other', () => {
  const asked = ['-t', 'a name', 'scripts/test-plan', '--bail=1'];
  expect(planOf(files, asked)).toEqual({
    together: [],
    alone: ['scripts/test-plan.test.ts'],
    options: ['-t', 'a name', '--bail=1'],
  });
});
