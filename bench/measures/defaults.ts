/**
 * What the defaults as shipped leave on the table: trades committed a second with them ÷ with
 * settings that somebody might tune, each against the defaults. The best of them is the tuned
 * throughput.
 */
import type { Environment } from '../../test/e2e/mdp.ts';
import { perSecond } from '../parts/contender.ts';
import { ratioOf, type Figure } from '../parts/figures.ts';
import { playPairs } from '../parts/pairs.ts';
import type { Bench } from '../parts/plan.ts';

const tunings: Readonly<Record<string, Environment>> = {
  batches: {
    PIPELINE_BATCH_SIZE: '50000',
    PIPELINE_MAX_BYTES: '16MiB',
    PIPELINE_FLUSH_MS: '250',
  },
  queues: {
    PIPELINE_OP_QUEUE_MAX: '512',
    PIPELINE_SINK_QUEUE_MAX: '64',
    PIPELINE_MAX_MEMORY_BYTES: '512MiB',
  },
  workers: { PIPELINE_SINK_WORKERS: '4' },
  journal: { PIPELINE_JOURNAL_FSYNC_MS: '2000', PIPELINE_JOURNAL_RETAIN: '0' },
};

export const measureDefaults = async (bench: Bench): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const [name, on] of Object.entries(tunings)) {
    const pairs = await playPairs(bench, { name, on, off: {} });
    figures.push(
      ratioOf(
        { id: `defaults-${name}`, title: `shipped ÷ tuned: ${name}`, better: 'more' },
        pairs.map((pair) => perSecond(pair.without.trades, pair.without)),
        pairs.map((pair) => perSecond(pair.with.trades, pair.with)),
      ),
    );
  }
  return figures;
};
