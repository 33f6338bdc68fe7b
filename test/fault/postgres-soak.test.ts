import { expect, test } from 'bun:test';
import { runSoak } from '../soak/postgres-faults.ts';

test('stores every trade once and no poisoned one through fifteen faults in a row', async () => {
  const seed = Math.floor(Math.random() * 100_000);
  console.warn(`soak seed ${seed}`);
  const report = await runSoak({ seconds: 5, seed, faultMs: 400 });
  expect(Object.keys(report.fired)).toHaveLength(15);
  expect(report.heldTimes).toBeGreaterThan(0);
  expect(report.stored).toBe(report.sent - report.poisoned);
  expect(report.dead).toBe(report.poisoned);
}, 60_000);
