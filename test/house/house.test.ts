import { expect, test } from 'bun:test';
import { wrongArrows } from './arrows.ts';
import { wrongReaches } from './reach.ts';
import { wrongSizes } from './sizes.ts';
import { readTree } from './tree.ts';
import { emptyWords, silencedRules, unfinishedMarks } from './words.ts';

const tree = await readTree(/\.(ts|sh|sql|ya?ml|json|md)$|^\.ci\//);
const program = tree.filter(({ path }) => /^src\/.*\.ts$/.test(path));
const code = tree.filter(({ path }) => /\.(ts|sh|sql)$|^\.ci\//.test(path));

test('the tree has a program to judge', () => {
  expect(program.length).toBeGreaterThan(10);
});

test('every import in src points up the list of folders', () => {
  expect(wrongArrows(program)).toEqual([]);
});

test('the environment, the exit, time, chance and I/O are reached only by their owners', () => {
  expect(wrongReaches(program)).toEqual([]);
});

test('no file is longer than 500 lines, no line wider than 100 columns', () => {
  expect(wrongSizes(code)).toEqual([]);
});

test('no folder or file has an empty name', () => {
  expect(emptyWords(tree.map(({ path }) => path))).toEqual([]);
});

test('nothing is left for later, no test is alone, no rule is off without a reason', () => {
  const judged = tree.filter(({ path }) => !path.startsWith('test/house/'));
  expect(unfinishedMarks(judged)).toEqual([]);
  expect(silencedRules(judged)).toEqual([]);
});
