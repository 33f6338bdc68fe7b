import { expect, test } from 'bun:test';
import { MAX_CLIENTS, RateLimiter } from './rate-limit.ts';

const limiterAt = (perSecond: number) => {
  let now = 1_000_000;
  const limiter = new RateLimiter(perSecond, () => now);
  const wait = (seconds: number): void => {
    now += seconds * 1e6;
  };
  const passed = (client: string, tries: number): number =>
    Array.from({ length: tries }, () => limiter.take(client)).filter((each) => !each).length;
  return { limiter, wait, passed };
};

test('lets so many through at once, and as many a second after', () => {
  const { passed, wait } = limiterAt(10);
  expect(passed('a', 25)).toBe(10);
  wait(0.5);
  expect(passed('a', 25)).toBe(5);
  wait(60);
  expect(passed('a', 25)).toBe(10);
});

test('counts clients apart', () => {
  const { passed } = limiterAt(3);
  expect([passed('a', 9), passed('b', 9)]).toEqual([3, 3]);
});

test('says when to come back, and which refusal is the first of its run', () => {
  const { limiter, passed, wait } = limiterAt(2);
  passed('a', 2);
  expect(limiter.take('a')).toEqual({ retryAfterSeconds: 1, isFirst: true });
  expect(limiter.take('a')).toEqual({ retryAfterSeconds: 1, isFirst: false });
  wait(1);
  expect(limiter.take('a')).toBeUndefined();
  passed('a', 1);
  expect(limiter.take('a')).toMatchObject({ isFirst: true });
});

test('a charge is paid before the next request, a second of it at most', () => {
  const { limiter, passed, wait } = limiterAt(10);
  for (let round = 0; round < 50; round += 1) limiter.charge('a', 10);
  expect(limiter.take('a')).toEqual({ retryAfterSeconds: 2, isFirst: true });
  wait(1);
  expect(passed('a', 9)).toBe(0);
  wait(1);
  expect(passed('a', 99)).toBe(10);
});

test('0 is no limit, and remembers nobody', () => {
  const { limiter, passed } = limiterAt(0);
  limiter.charge('a', 1000);
  expect(passed('a', 10_000)).toBe(10_000);
  expect(limiter.clients).toBe(0);
});

test('remembers a bounded number of clients, those that asked last', () => {
  const { limiter, passed } = limiterAt(1);
  passed('early', 1);
  for (let client = 0; client < MAX_CLIENTS - 1; client += 1) limiter.take(`c${client}`);
  expect(passed('early', 1)).toBe(0);
  limiter.take('one more');
  expect(limiter.clients).toBe(MAX_CLIENTS);
  expect(passed('early', 1)).toBe(0);
  expect(passed('c0', 1)).toBe(1);
});
