import { expect, test } from 'bun:test';
import * as v from 'valibot';
import { operatorsSettings, timeframesOf } from './settings.ts';

const accepts = (bars: object, validate: object = {}) =>
  v.safeParse(operatorsSettings, { bars, validate }).success;

test('has the defaults that the interface names', () => {
  expect(v.parse(operatorsSettings, { bars: {}, validate: {} })).toEqual({
    bars: { timeframes: ['1s', '1m'], allowed_lateness_ms: 2_000, empty: 'none' },
    validate: { max_age_ms: 600_000, max_ahead_ms: 60_000 },
  });
});

test('refuses what cannot be', () => {
  expect(accepts({ timeframes: ['1s', '1d'], allowed_lateness_ms: 0, empty: 'flat' })).toBe(true);
  for (const bars of [
    { timeframes: [] },
    { timeframes: ['2m'] },
    { timeframes: ['1m', '1m'] },
    { allowed_lateness_ms: -1 },
    { allowed_lateness_ms: 0.5 },
    { allowed_lateness_ms: 3_600_001 },
    { empty: 'zero' },
    { lateness: 1 },
  ]) {
    expect([bars, accepts(bars)]).toEqual([bars, false]);
  }
  expect(accepts({}, { max_age_ms: -1 })).toBe(false);
  expect(accepts({}, { max_ahead_ms: 86_400_001 })).toBe(false);
});

test('timeframes become seconds, shortest first', () => {
  expect(timeframesOf(['1d', '1s', '15s', '1s'])).toEqual([1, 15, 86_400]);
});
