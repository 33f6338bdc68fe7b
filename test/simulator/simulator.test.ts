import { afterAll, describe, expect, test } from 'bun:test';
import { FaultCount } from './faults.ts';
import { EVER_FAILED } from './seeds.ts';
import { toldOf, tryAt } from './trial.ts';

/**
 * Fresh lives in every run, named by their seeds: a failure says how to repeat it, and its seed
 * belongs in `seeds.ts`.
 */
const BLOCKS = 20;
const SEEDS_PER_BLOCK = 10;
const MOST_SEEDS = 1_000_000_000;
const first = Math.floor(Math.random() * MOST_SEEDS);

const faults = new FaultCount();

describe('whatever the world does, the tables hold what was received', () => {
  test.each(EVER_FAILED.map(([seed, found]) => [found, seed] as const))(
    'where once %s',
    async (_found, seed) => {
      expect(toldOf(await tryAt(seed, faults))).toBe('');
    },
  );

  test.each(Array.from({ length: BLOCKS }, (_, at) => first + at * SEEDS_PER_BLOCK))(
    'in lives from seed %d',
    async (from) => {
      for (let seed = from; seed < from + SEEDS_PER_BLOCK; seed += 1) {
        expect(toldOf(await tryAt(seed, faults))).toBe('');
      }
    },
  );

  afterAll(() => {
    expect(faults.missing()).toEqual([]);
  });
});

test('a seed lives the same life twice', async () => {
  const [once, twice] = [new FaultCount(), new FaultCount()];
  const [a, b] = [await tryAt(first, once), await tryAt(first, twice)];
  expect(a.trades).toBe(b.trades);
  expect(once).toEqual(twice);
});
