import type { Gap } from '../market/gap.ts';
import { addInteger } from '../market/integer.ts';
import { ListBatch } from './open-batch.ts';
import type { OpenedBatch } from './batcher.ts';

/**
 * An open batch of gaps. While a database is away, batch after batch of an instrument may be given
 * up: as long as the row that tells of the first one waits here, it grows over what follows.
 */
export class GapBatch extends ListBatch<Gap> {
  /** Which row has the instrument's last hole of dropped trades, by instrument id. */
  readonly #dropped = new Map<number, number>();

  override add(gap: Gap, bytes: number): boolean {
    const isOfTrades = gap.reason === 'dropped' && gap.toId !== 0;
    if (isOfTrades) this.#dropped.set(gap.instrument.id, this.count);
    return super.add(gap, bytes);
  }

  /** Makes dropped trades part of the row that ends where they begin; false: there is none. */
  join(gap: Gap): boolean {
    const index = this.#dropped.get(gap.instrument.id);
    const open = index === undefined ? undefined : this.at(index);
    if (index === undefined || open === undefined) return false;
    if (addInteger(open.toId, 1) !== gap.fromId) return false;
    this.replace(index, {
      ...open,
      toId: gap.toId,
      toTime: gap.toTime > open.toTime ? gap.toTime : open.toTime,
      missing: addInteger(open.missing ?? 0, gap.missing ?? 0),
    });
    return true;
  }

  override take(): OpenedBatch {
    this.#dropped.clear();
    return super.take();
  }
}
