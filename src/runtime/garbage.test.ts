import { expect, test } from 'bun:test';
import type { Clock } from './clock.ts';
import { collectGrowth, type Memory } from './garbage.ts';

const MiB = 1024 * 1024;

/** Resident MiB at each look, and what a collection leaves of them. */
const looks = (resident: readonly number[], left: (resident: number) => number) => {
  let look: (() => void) | undefined;
  const clock: Clock = {
    now: () => 0,
    after: () => ({ cancel: () => {} }),
    every: (_ms, call) => {
      look = call;
      return { cancel: () => {} };
    },
  };
  let now = resident[0] ?? 0;
  const collectedAt: number[] = [];
  const memory: Memory = {
    resident: () => now * MiB,
    collect: () => {
      collectedAt.push(now);
      now = left(now);
    },
  };
  collectGrowth(clock, memory);
  for (const next of resident) {
    now = next;
    look?.();
  }
  return collectedAt;
};

test('collects growth, and counts on from what a collection has left', () => {
  expect(looks([100, 120, 150, 100, 147, 149], () => 100)).toEqual([150, 149]);
});

test('takes memory that is used for what it is: no second collection without growth', () => {
  expect(looks([100, 200, 200, 210, 247, 249], (resident) => resident)).toEqual([200, 249]);
});

test('counts growth from where memory was lowest', () => {
  expect(looks([100, 60, 100, 107, 109], () => 60)).toEqual([109]);
});
