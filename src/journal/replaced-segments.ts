import type { Log } from '../runtime/log.ts';
import { errnoOf, type Disk } from './disk.ts';
import type { Position } from './record-buffer.ts';
import { fileName, type Segment } from './segments.ts';

export type ReplacedSegmentsOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly log: Log;
};

/**
 * Segments that were condemned before any of them was synced. What they hold is written again
 * elsewhere; until it is safe there their files stay, since a crash may leave more of the first
 * copy than of the second.
 */
export class ReplacedSegments {
  readonly #options: ReplacedSegmentsOptions;
  #files: readonly { readonly segment: Segment; readonly until: Position }[] = [];

  constructor(options: ReplacedSegmentsOptions) {
    this.#options = options;
  }

  /** It stays until everything before `until` is safe elsewhere. */
  keep(segment: Segment, until: Position): void {
    this.#files = [...this.#files, { segment, until }];
  }

  /** Everything before `safe` is safe elsewhere. */
  release(safe: Position): void {
    if (this.#files.length === 0) return;
    const { disk, directory, log } = this.#options;
    for (const { segment, until } of this.#files) {
      if (until > safe) continue;
      disk.remove(`${directory}/${fileName(segment)}`).catch((cause: unknown) => {
        log.warn('a replaced segment stays: it cannot be removed', { errno: errnoOf(cause) });
      });
    }
    this.#files = this.#files.filter(({ until }) => until > safe);
  }
}
