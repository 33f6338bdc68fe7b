import { rejectedReasons } from '../operators/operator.ts';
import { unreadReasons } from '../sources/source.ts';
import { rejectReasons, undecodableReasons } from '../venues/venue.ts';

/**
 * The ledger accounts for every frame and every row: what came in equals what came out, by outcome,
 * plus what is still waiting. Counters are plain numbers, written in one place each, and only when
 * the thing is true.
 */
export type RowKind = 'trade' | 'quote' | 'bar' | 'gap' | 'dead_letter';

export const ROW_KINDS: readonly RowKind[] = ['trade', 'quote', 'bar', 'gap', 'dead_letter'];

/** What became of the rows of one kind. `decoded` for bars, gaps and dead letters: made. */
export type RowCounts = {
  decoded: number;
  committed: number;
  alreadyThere: number;
  notStored: number;
  duplicates: number;
  rejected: number;
  deadLettered: number;
  dropped: number;
};

/** What became of the frames. `received` = the others + unread. */
export type FrameCounts = {
  received: number;
  decoded: number;
  control: number;
  undecodable: number;
  dropped: number;
  lost: number;
};

/** Why data is given up, closed: by the source, or the queue that was full, and its policy. */
const DROP_REASONS = [
  ...unreadReasons,
  'queue_oldest',
  'queue_newest',
  'queue_block',
  'sink_drop_oldest',
  'sink_drop_newest',
] as const;

/** Series exist at zero from the start. */
export const zeroed = (reasons: readonly string[]): Map<string, number> =>
  new Map(reasons.map((reason) => [reason, 0]));

export class Ledger {
  readonly frames: FrameCounts = {
    received: 0,
    decoded: 0,
    control: 0,
    undecodable: 0,
    dropped: 0,
    lost: 0,
  };
  readonly rows: Readonly<Record<RowKind, RowCounts>> = {
    trade: emptyRowCounts(),
    quote: emptyRowCounts(),
    bar: emptyRowCounts(),
    gap: emptyRowCounts(),
    dead_letter: emptyRowCounts(),
  };
  /**
   * Reasons, closed sets each: frames that could not be read, rows refused, rows and frames
   * dropped.
   */
  readonly undecodable = zeroed(undecodableReasons);
  readonly rejected = zeroed([...rejectReasons, ...rejectedReasons]);
  readonly dropped = zeroed(DROP_REASONS);
  readonly late = zeroed(['late', 'stale', 'unplaced']);

  /** Frames received and in none of the outcomes: they must all be waiting somewhere. */
  unread(): number {
    const { received, decoded, control, undecodable, dropped, lost } = this.frames;
    return received - decoded - control - undecodable - dropped - lost;
  }

  /**
   * Rows of a kind that have no outcome yet: they must all be in open, queued or committing
   * batches.
   */
  inFlight(kind: RowKind): number {
    const counts = this.rows[kind];
    return counts.decoded - settledRows(counts);
  }

  /** Every counter by name: `frames.decoded`, `trade.committed`, `late:stale`. */
  snapshot(): Readonly<Record<string, number>> {
    const counters: Record<string, number> = {};
    for (const [outcome, count] of Object.entries(this.frames)) {
      counters[`frames.${outcome}`] = count;
    }
    for (const kind of ROW_KINDS) {
      for (const [term, count] of Object.entries(this.rows[kind])) {
        counters[`${kind}.${term}`] = count;
      }
    }
    for (const [name, reasons] of this.#reasons()) {
      for (const [reason, count] of reasons) counters[`${name}:${reason}`] = count;
    }
    return counters;
  }

  /** Goes on from a snapshot; names that this program does not know are left out. */
  restore(counters: Readonly<Record<string, number>>): void {
    restoreInto(this.frames, 'frames', counters);
    for (const kind of ROW_KINDS) restoreInto(this.rows[kind], kind, counters);
    for (const [name, reasons] of this.#reasons()) {
      for (const reason of reasons.keys()) {
        reasons.set(reason, counters[`${name}:${reason}`] ?? 0);
      }
    }
  }

  #reasons(): readonly (readonly [string, Map<string, number>])[] {
    return [
      ['undecodable', this.undecodable],
      ['rejected', this.rejected],
      ['dropped', this.dropped],
      ['late', this.late],
    ];
  }

  frameDropped(reason: string, count: number): void {
    this.frames.dropped += count;
    increase(this.dropped, reason, count);
  }

  frameUndecodable(reason: string): void {
    this.frames.undecodable += 1;
    increase(this.undecodable, reason, 1);
  }

  rowRejected(kind: RowKind, reason: string): void {
    this.rows[kind].rejected += 1;
    increase(this.rejected, reason, 1);
  }
}

const restoreInto = (
  counts: FrameCounts | RowCounts,
  name: string,
  counters: Readonly<Record<string, number>>,
): void => {
  Object.assign(
    counts,
    Object.fromEntries(Object.keys(counts).map((key) => [key, counters[`${name}.${key}`] ?? 0])),
  );
};

const emptyRowCounts = (): RowCounts => ({
  decoded: 0,
  committed: 0,
  alreadyThere: 0,
  notStored: 0,
  duplicates: 0,
  rejected: 0,
  deadLettered: 0,
  dropped: 0,
});

/** Rows with an outcome. */
const settledRows = (counts: RowCounts): number =>
  counts.committed +
  counts.alreadyThere +
  counts.notStored +
  counts.duplicates +
  counts.rejected +
  counts.deadLettered +
  counts.dropped;

export const increase = (map: Map<string, number>, key: string, by: number): void => {
  map.set(key, (map.get(key) ?? 0) + by);
};
