import { expect, test } from 'bun:test';
import * as v from 'valibot';
import { databaseSettings, sinkSettings } from './settings.ts';

test('has a default for everything but the secrets of a server', () => {
  expect(v.parse(databaseSettings, {})).toEqual({
    url: 'sqlite:./data/mdp.db',
    schema: 'mdp',
    migrate: true,
    store: ['trades', 'quotes', 'bars'],
    retention: 'keep',
    compress_after: 7 * 86_400_000,
  });
  expect(v.parse(sinkSettings, {})).toEqual({ workers: 2, backpressure_policy: 'block' });
});

test('takes times in words and puts out milliseconds', () => {
  const settings = { retention: '30d', compress_after: '12h' };
  expect(v.parse(databaseSettings, settings)).toMatchObject({
    retention: 30 * 86_400_000,
    compress_after: 12 * 3_600_000,
  });
});

test.each([
  ['url', 'mysql://host/db'],
  ['url', 'sqlite::memory:'],
  ['schema', 'pg_catalog'],
  ['schema', 'Mdp'],
  ['schema', 'm"; drop schema mdp'],
  ['schema', 'x'.repeat(64)],
  ['sslmode', 'maybe'],
  ['ssl_ca', ''],
  ['store', []],
  ['store', ['candles']],
  ['retention', '30m'],
  ['retention', 'never'],
  ['compress_after', '0'],
  ['migrations', true],
])('refuses database.%s: %p', (key, value) => {
  expect(v.safeParse(databaseSettings, { [key]: value }).success).toBe(false);
});

test.each([
  ['workers', 0],
  ['workers', 33],
  ['workers', 1.5],
  ['workers', '2'],
  ['backpressure_policy', 'drop'],
])('refuses sink.%s: %p', (key, value) => {
  expect(v.safeParse(sinkSettings, { [key]: value }).success).toBe(false);
});
