import { expect, test } from 'bun:test';
import { VENUES, venueOf } from './registry.ts';

test('finds every venue by its own id, and no other', () => {
  for (const venue of Object.values(VENUES)) expect(venueOf(venue.id)).toBe(venue);
  expect(venueOf('')).toBeUndefined();
  expect(venueOf('constructor')).toBeUndefined();
});
