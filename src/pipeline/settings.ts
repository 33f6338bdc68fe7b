import * as v from 'valibot';
import { byteSize } from '../runtime/quantities.ts';

const KiB = 1024;
const MiB = 1024 ** 2;
const TiB = 1024 ** 4;

const count = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

/** `pipeline.*`: when a batch is cut, and how long a drain may take. */
export const pipelineSettings = v.strictObject({
  batch_size: v.optional(
    v.pipe(
      count(1, 1_000_000),
      v.description('most rows of a batch'),
      v.metadata({ unit: 'rows' }),
    ),
    20_000,
  ),
  flush_ms: v.optional(
    v.pipe(count(1, 60_000), v.description('most age of a batch'), v.metadata({ unit: 'ms' })),
    50,
  ),
  max_bytes: v.optional(
    v.pipe(
      byteSize(KiB, 256 * MiB),
      v.description('most bytes of a batch as it waits: 64 a trade or quote'),
    ),
    4 * MiB,
  ),
  drain_ms: v.optional(
    v.pipe(
      count(1, 3_600_000),
      v.description('time to finish on SIGTERM; what is left after it is told, with exit code 3'),
      v.metadata({ unit: 'ms' }),
    ),
    20_000,
  ),
});

/** `queues.*`: what may wait, and what gives way when no more may. */
export const queueSettings = v.strictObject({
  op_queue_max: v.optional(
    v.pipe(
      count(1, 65_536),
      v.description('blocks of records that wait for the operators'),
      v.metadata({ unit: 'blocks' }),
    ),
    64,
  ),
  sink_queue_max: v.optional(
    v.pipe(
      count(1, 65_536),
      v.description('batches that wait for the sink workers'),
      v.metadata({ unit: 'batches' }),
    ),
    16,
  ),
  max_memory_bytes: v.optional(
    v.pipe(
      byteSize(KiB, TiB),
      v.description('all waiting data together: blocks, and open, queued and in-flight batches'),
    ),
    64 * MiB,
  ),
  drop_policy: v.optional(
    v.pipe(
      v.picklist(['oldest', 'newest', 'block']),
      v.description('what gives way when the journal, or without it the operator queue, is full'),
    ),
    'oldest',
  ),
});

/** `pacing.*`: how fast frames are let in to the operators. What waits, waits in front of them. */
export const pacingSettings = v.strictObject({
  budget: v.strictObject({
    max_msgs_per_sec: v.optional(
      v.pipe(
        count(0, 100_000_000),
        v.description('most frames a second admitted to the operators; 0 = unlimited'),
        v.metadata({ unit: 'frames/s' }),
      ),
      0,
    ),
    burst: v.optional(
      v.pipe(
        count(0, 100_000_000),
        v.description('most frames saved up for a burst; 0 = one'),
        v.metadata({ unit: 'frames' }),
      ),
      0,
    ),
  }),
});

/** `shard.*`: which share of the instruments this process takes, by rendezvous hashing. */
export const shardSettings = v.strictObject({
  index: v.optional(
    v.pipe(count(0, 1_023), v.description('which share this process takes, below shard.count')),
    0,
  ),
  count: v.optional(
    v.pipe(
      count(1, 1_024),
      v.description('how many processes share the instruments'),
      v.metadata({ unit: 'processes' }),
    ),
    1,
  ),
});
