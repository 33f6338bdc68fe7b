import { expect, test } from 'bun:test';
import { createSystemClock } from './system-clock.ts';

test('a wait longer than one timer can hold does not end at once', async () => {
  const clock = createSystemClock();
  const called: string[] = [];
  const long = clock.after(30 * 86_400_000, () => called.push('long'));
  await new Promise<void>((resolve) => {
    clock.after(20, resolve);
  });
  long.cancel();
  expect(called).toEqual([]);
});

test('never goes back', () => {
  const clock = createSystemClock();
  const times = Array.from({ length: 1000 }, () => clock.now());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});
