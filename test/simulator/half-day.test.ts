import { expect, test } from 'bun:test';
import { VENUES } from '../../src/venues/registry.ts';
import { stormyHalfDay } from './lives.ts';
import { live } from './simulate.ts';
import { judge } from './verdict/verdict.ts';

const HOUR_MS = 3_600_000;
const HOURS = 12;

const spacing = (times: readonly number[]): readonly number[] =>
  times.slice(1).map((time, at) => time - (times[at] ?? 0));

test('twelve hours of drops: connections within the limits of the venue, memory flat', async () => {
  const saved: number[] = [];
  const waiting: number[] = [];
  const life = await live(stormyHalfDay(3), {
    lookEveryMs: HOUR_MS / 6,
    onLook: ({ operators, memory }) => {
      saved.push(JSON.stringify(operators.save()).length);
      waiting.push(memory.total);
    },
  });
  expect(judge(life)).toEqual([]);

  const { dialledAt } = life.venue;
  const perHour = VENUES.kraken.facts.maxConnectsPerMinute * 60;
  expect(dialledAt.length).toBeGreaterThan(HOURS * 100);
  expect(dialledAt.length).toBeLessThanOrEqual(HOURS * perHour);
  const waits = spacing(dialledAt);
  expect(new Set(waits).size).toBeGreaterThan(waits.length * 0.8);
  expect(life.faults.of('connection_dropped')).toBeGreaterThan(HOURS * 50);

  // One look more where the end falls on the hour.
  expect([HOURS * 6, HOURS * 6 + 1]).toContain(saved.length);
  const sinceHourTwo = saved.slice(2 * 6);
  expect(Math.max(...sinceHourTwo)).toBeLessThan(Math.min(...sinceHourTwo) * 1.15);
  expect(Math.max(...waiting)).toBeLessThan(1024 * 1024);
});
