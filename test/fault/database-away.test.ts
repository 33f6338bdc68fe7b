/** The soak of the same name, small: every assertion of it holds. */
import { expect, test } from 'bun:test';
import { availableParallelism, loadavg } from 'node:os';
import {
  complaintsAbout,
  databaseAway,
  LEAST_PER_SECOND,
  type AwayOptions,
} from '../soak/database-away.ts';

const sizes: readonly Pick<AwayOptions, 'policies' | 'seconds' | 'rate'>[] = [
  { policies: 'block', seconds: 60, rate: 20_000 },
  // Enough for the sink's queue of 200 batches to overflow.
  { policies: 'guide', seconds: 6, rate: 40_000 },
];

/** What a machine commits that others keep busy says nothing of the program's own rate. */
const isBusy = (): boolean => (loadavg()[0] ?? 0) > 2 * availableParallelism();

test.each(sizes.map((size) => [size.policies, size] as const))(
  'the database away, policies: %s',
  async (_, size) => {
    const options = { ...size, leastPerSecond: isBusy() ? 1 : LEAST_PER_SECOND };
    const report = await databaseAway(options);
    console.warn(
      `peak ${report.peakMiB.toFixed(0)} MiB, ` +
        `${report.drainedPerSecond.toFixed(0)} trades/s afterwards`,
    );
    expect(complaintsAbout(options, report)).toEqual([]);
  },
  240_000,
);
