import { expect, test } from 'bun:test';
import { timeframeName, timeframeNames, timeframeSeconds } from './timeframes.ts';

test('names and seconds are each other, shortest first, and every length divides a day', () => {
  const lengths = timeframeNames.map((name) => timeframeSeconds(name) ?? 0);
  expect(lengths.map((length) => timeframeName(length))).toEqual([...timeframeNames]);
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  expect(lengths.filter((length) => 86_400 % length !== 0)).toEqual([]);
  expect(timeframeSeconds('1m')).toBe(60);
  expect(timeframeName(86_400)).toBe('1d');
});

test('knows no other', () => {
  for (const name of ['', '2s', '60s', '1M', '1w', 'toString']) {
    expect(timeframeSeconds(name)).toBeUndefined();
  }
  expect(timeframeName(61)).toBeUndefined();
});
