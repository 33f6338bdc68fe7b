import { expect, test } from 'bun:test';
import { Farewell } from './farewell.ts';
import { TIMING } from './timing.ts';

const timing = { ...TIMING, tickMs: 100, lingerMs: 250, drainMs: 1000 };

const ticksUntilTheEnd = (farewell: Farewell): number => {
  for (let ticks = 1; ; ticks += 1) if (farewell.tick()) return ticks;
};

test('lingers from the answer to its last ping on, not from its beginning', () => {
  const farewell = new Farewell('renewed', timing);
  for (let tick = 0; tick < 4; tick += 1) expect(farewell.tick()).toBe(false);
  farewell.answered();
  expect(ticksUntilTheEnd(farewell)).toBe(3);
});

test('ends without an answer too, after so much reading', () => {
  expect(ticksUntilTheEnd(new Farewell('renewed', timing))).toBe(10);
});
