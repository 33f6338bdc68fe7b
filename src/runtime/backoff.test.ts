import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';

const policies = fc
  .record({
    floorMs: fc.integer({ min: 0, max: 10_000 }),
    baseMs: fc.integer({ min: 1, max: 10_000 }),
    capMs: fc.integer({ min: 10_000, max: 3_600_000 }),
  })
  .filter((policy) => policy.floorMs <= policy.capMs);
const attempts = fc.integer({ min: 0, max: 1_000_000 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoff', () => {
  test('stays between the floor and the cap at any attempt', () => {
    fc.assert(
      fc.property(policies, attempts, randoms, (policy, attempt, random) => {
        const wait = backoffMs(policy, attempt, () => random);
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(policy.floorMs);
        expect(wait).toBeLessThanOrEqual(policy.capMs);
      }),
    );
  });

  test('never shrinks from one attempt to the next at the same draw', () => {
    fc.assert(
      fc.property(policies, attempts, randoms, (policy, attempt, random) => {
        const now = backoffMs(policy, attempt, () => random);
        expect(backoffMs(policy, attempt + 1, () => random)).toBeGreaterThanOrEqual(now);
      }),
    );
  });

  test('doubles its range until the cap and spreads over all of it', () => {
    const policy = { floorMs: 0, baseMs: 500, capMs: 30_000 };
    const most = (attempt: number): number => backoffMs(policy, attempt, () => 0.999_999);
    expect([0, 1, 2, 3, 10].map(most)).toEqual([500, 1000, 2000, 4000, 30_000]);
    expect(backoffMs(policy, 5, () => 0)).toBe(0);
  });
});
