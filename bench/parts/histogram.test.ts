import { expect, test } from 'bun:test';
import { bucketsOf, quantileBetween } from './histogram.ts';

const metrics = (counts: readonly number[]): string =>
  ['0.1', '0.2', '+Inf']
    .map((le, at) => `wait_seconds_bucket{le="${le}"} ${counts[at]}`)
    .join('\n');

test('places a quantile linearly within the bucket that holds it', () => {
  const before = bucketsOf(metrics([10, 10, 10]), 'wait_seconds');
  const after = bucketsOf(metrics([20, 30, 30]), 'wait_seconds');
  expect(quantileBetween(before, after, 0.5)).toBeCloseTo(0.1);
  expect(quantileBetween(before, after, 0.75)).toBeCloseTo(0.15);
});

test('says the last finite bound for what lies above all', () => {
  const none = bucketsOf(metrics([0, 0, 0]), 'wait_seconds');
  expect(quantileBetween(none, bucketsOf(metrics([0, 0, 5]), 'wait_seconds'), 0.5)).toBe(0.2);
});
