import { expect, test } from 'bun:test';
import type { Clock } from './clock.ts';
import { collectGrowth, type Memory } from './garbage.ts';

const MiB = 1024 * 1024;

/** Resident MiB at each look, and what a collection leaves of them. */
const looks = (
  resident: readonly number[],
  left: (resident: number) => number,
  live: number = 35,
) => {
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
  const young: number[] = [];
  const all: number[] = [];
  const memory: Memory = {
    resident: () => now * MiB,
    collectYoung: () => young.push(now),
    collectAll: () => {
      all.push(now);
      now = left(now);
    },
    live: () => live * MiB,
  };
  collectGrowth(clock, memory);
  for (const next of resident) {
    now = next;
    look?.();
  }
  return { young, all };
};

test('collects what is young at every 24 MiB more, and all of it at 48', () => {
  const collected = looks([100, 123, 125, 140, 147, 149, 110, 133, 135], () => 110);
  expect(collected).toEqual({ young: [125, 135], all: [149] });
});

test('takes memory that is used for what it is: no second collection without growth', () => {
  const collected = looks([100, 200, 200, 210, 223, 225, 225, 247, 249], (resident) => resident);
  expect(collected).toEqual({ young: [225], all: [200, 249] });
});

test('counts growth from where memory was lowest', () => {
  const collected = looks([100, 60, 83, 85, 90, 107, 109], () => 60);
  expect(collected).toEqual({ young: [85], all: [109] });
});

test('lets a large heap grow by as much as lives in it, once it has been seen', () => {
  const collected = looks([200, 249, 313, 329, 331], () => 210, 120);
  expect(collected).toEqual({ young: [313], all: [249, 331] });
});
