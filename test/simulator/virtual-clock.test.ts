import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { yieldTurn } from '../../src/runtime/waiting.ts';
import { VirtualClock } from './virtual-clock.ts';

test('timers fire by time, and those of one moment in the order of their making', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 60 }), async (waits) => {
      const clock = new VirtualClock(0);
      const fired: (readonly [at: number, made: number])[] = [];
      for (const [made, ms] of waits.entries()) {
        clock.after(ms, () => fired.push([clock.now() / 1000, made]));
      }
      await clock.advance(100);
      const due = waits.map((ms, made) => [ms, made] as const);
      expect(fired).toEqual(due.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
    }),
  );
});

test('time stands still until promises and immediates have come to rest', async () => {
  const clock = new VirtualClock(0);
  const seen: number[] = [];
  clock.after(10, () => {
    void yieldTurn()
      .then(() => Promise.resolve())
      .then(() => seen.push(clock.now()));
  });
  clock.after(11, () => seen.push(clock.now()));
  await clock.advance(20);
  expect(seen).toEqual([10_000, 11_000]);
});

test('a cancelled timer does not fire, a repeated one until then', async () => {
  const clock = new VirtualClock(0);
  let fired = 0;
  const every = clock.every(10, () => {
    fired += 1;
    if (fired === 3) every.cancel();
  });
  clock
    .after(5, () => {
      fired = -100;
    })
    .cancel();
  await clock.advance(1000);
  expect(fired).toBe(3);
});

test('after a stall what fell due fires late, and once', async () => {
  const clock = new VirtualClock(0);
  const fired: number[] = [];
  clock.every(10, () => fired.push(clock.now() / 1000));
  clock.stall(55);
  await clock.advance(15);
  expect(fired).toEqual([55, 65]);
});
