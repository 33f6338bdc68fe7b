import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createPacing } from './pacing.ts';

test('never admits more than burst plus rate times elapsed time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.array(fc.integer({ min: 0, max: 500_000 }), { maxLength: 50 }),
      (rate, burst, steps) => {
        let now = 0;
        const pacing = createPacing(rate, burst, () => now);
        let admitted = 0;
        for (const step of steps) {
          now += step;
          while (pacing.tryTake()) admitted += 1;
          expect(admitted).toBeLessThanOrEqual(burst + (now / 1e6) * rate + 1e-6);
        }
      },
    ),
  );
});

test('admits at the stated rate over a long time', () => {
  let now = 0;
  const pacing = createPacing(2000, 2000, () => now);
  let admitted = 0;
  for (; now <= 10_000_000; now += 1000) while (pacing.tryTake()) admitted += 1;
  expect(admitted).toBeGreaterThanOrEqual(2000 * 11 - 2);
  expect(admitted).toBeLessThanOrEqual(2000 * 11);
});

test('keeps the stated rate without a burst, though timers wake late', () => {
  let now = 0;
  const pacing = createPacing(5000, 0, () => now);
  let admitted = 0;
  while (now < 10_000_000) {
    while (pacing.tryTake()) admitted += 1;
    now += (pacing.waitMs() + 1.3) * 1000;
  }
  expect(admitted).toBeWithin(5000 * 10 - 20, 5000 * 10 + 1);
});

test('a stall while frames wait is no credit', () => {
  let now = 0;
  const pacing = createPacing(1000, 1, () => now);
  while (pacing.tryTake());
  now += 60_000_000;
  let admitted = 0;
  while (pacing.tryTake()) admitted += 1;
  expect(admitted).toBe(100);
});

test('0 is unlimited', () => {
  const pacing = createPacing(0, 0, () => 0);
  for (let n = 0; n < 100_000; n += 1) expect(pacing.tryTake()).toBe(true);
});

test('after the stated wait there is a token', () => {
  let now = 0;
  const pacing = createPacing(3, 1, () => now);
  expect(pacing.tryTake()).toBe(true);
  expect(pacing.tryTake()).toBe(false);
  now += pacing.waitMs() * 1000;
  expect(pacing.tryTake()).toBe(true);
});
