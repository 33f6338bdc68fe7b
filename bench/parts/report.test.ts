import { expect, test } from 'bun:test';
import { floors } from '../floors.ts';
import { ratioOf } from './figures.ts';
import { judge } from './report.ts';

const named = { id: 'd-cpu', title: 'CPU', better: 'less' } as const;

test('a quick run judges the best of both, a full one the median', () => {
  const figure = ratioOf(named, [3, 9, 9], [6, 8, 8]);
  expect(judge(figure, true).met).toBe(true);
  expect(judge(figure, false).met).toBe(false);
});

test('a loss of a third from what was reached misses the quick floor of CPU', () => {
  const floor = floors['d-cpu']?.quick ?? Number.NaN;
  const reached = floor / 1.25;
  expect(judge(ratioOf(named, [reached], [1]), true).met).toBe(true);
  expect(judge(ratioOf(named, [reached * 1.5], [1]), true).met).toBe(false);
});

test('what has no floor is not judged', () => {
  const figure = { id: 'psql-copy', title: '', unit: '/s', samples: [1] } as const;
  expect(judge(figure, true).met).toBeUndefined();
});
