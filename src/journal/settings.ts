import * as v from 'valibot';
import { byteSize, duration } from '../runtime/quantities.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const TiB = 1024 ** 4;
const YEAR_MS = 366 * 86_400_000;

/**
 * `journal.*`: the log of frames on disk, which is overload buffer, crash recovery and recording.
 */
export const journalSettings = v.strictObject({
  enabled: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'whether frames are kept on disk until settled; without it they wait in memory',
      ),
    ),
    true,
  ),
  dir: v.optional(
    v.pipe(
      v.string(),
      v.nonEmpty(),
      v.metadata({ allowed: 'the path of a directory' }),
      v.description('its directory'),
    ),
    './data/journal',
  ),
  fsync_ms: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(60_000),
      v.description('most time between a write and its sync to disk; 0 = every write'),
      v.metadata({ unit: 'ms' }),
    ),
    200,
  ),
  max_bytes: v.optional(
    v.pipe(
      byteSize(MiB, 64 * TiB),
      v.description('most bytes on disk; at it queues.drop_policy acts'),
    ),
    4 * GiB,
  ),
  min_free_bytes: v.optional(
    v.pipe(
      byteSize(0, 64 * TiB),
      v.description('bytes the file system keeps free; below it queues.drop_policy acts'),
    ),
    GiB,
  ),
  retain: v.optional(
    v.pipe(
      duration(0, YEAR_MS),
      v.description(
        'how long settled segments are kept; they count against max_bytes and go first',
      ),
    ),
    '1h',
  ),
});
