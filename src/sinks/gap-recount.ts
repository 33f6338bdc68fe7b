/**
 * Unfilled gap rows held against the trades that are there: a hole may have been filled by trades
 * that its finder never saw, of another process, of a replay, or of a run before a power loss.
 * Trades in the table are the only evidence, so a row only ever comes to lack less. Reads a bounded
 * page at a time and writes a round's rows in one short statement; who narrows a row meanwhile
 * keeps the better of both.
 */
import { MdpError } from '../runtime/errors.ts';
import type { KnownInstrument } from './reader.ts';

/** Of a table `gap`, in both dialects: what is recounted. */
export const UNFILLED = 'filled_at is null and missing > 0 and from_id <> 0';

/** Gap rows of one round. */
const GAPS_A_ROUND = 500;
/** Trades of one page. */
const TRADES_A_PAGE = 4_096;
/** A hole is counted no further where its trades come in more pieces than this. */
const MOST_RANGES = 65_536;
/**
 * A row is left alone that could be narrowed by more trades than these only: where ids do not count
 * up by one, a dropped batch spans any number of them.
 */
const MOST_TRADES = 100_000_000n;

/** Below every id that a table holds. */
const LEAST_ID = -(2n ** 63n);

/** Integer microseconds, and an id: the end of a row's key. */
export type RowKey = { readonly time: number; readonly id: bigint };

/** A gap row with ids that is not filled. Both ends are inclusive. */
export type UnfilledGap = {
  readonly instrumentId: number;
  readonly from: RowKey;
  readonly to: RowKey;
  /** At least 1. */
  readonly missing: bigint;
  /** A trade with an id of the hole is there, at a time of the hole. */
  readonly isTouched: boolean;
};

/** Ids without a hole, both ends inclusive. */
export type IdRange = { readonly first: bigint; readonly last: bigint };

export type TradePage = {
  /** The ids of the page's trades; each once or more. */
  readonly ranges: readonly IdRange[];
  /** Greatest receive time; 0 without trades. */
  readonly receivedTo: number;
  /** Where the next page begins; undefined: there is none. */
  readonly next: RowKey | undefined;
};

/** What still lacks in a hole. */
export type Narrowed = {
  readonly gap: UnfilledGap;
  /** Less than the row says. */
  readonly missing: bigint;
  /** When the last of its trades was received. */
  readonly receivedTo: number;
};

/** The tables that a recount reads and writes. Every call is bounded. Throws `MdpError`. */
export interface GapTables {
  /** Instruments with a gap row that is unfilled, has ids, and was detected then (µs) or later. */
  instruments(
    detectedFrom: number,
  ): Promise<readonly (KnownInstrument & { readonly id: number })[]>;
  /** The next of these rows of an instrument, by (from time, from id). */
  unfilled(
    instrumentId: number,
    detectedFrom: number,
    after: RowKey,
    limit: number,
  ): Promise<readonly UnfilledGap[]>;
  /** Trades of the hole's time with ids of the hole, by (time, id), behind `after`. */
  trades(gap: UnfilledGap, after: RowKey, limit: number): Promise<TradePage>;
  /**
   * Writes what still lacks, in one transaction: not where the row is filled, says less, or ends
   * elsewhere by now. A row that lacks nothing is filled at the last trade's receive time, or when
   * the hole was detected, whichever is later. Resolves with the rows changed.
   */
  narrow(changes: readonly Narrowed[]): Promise<Pick<Recounted, 'narrowed' | 'filled'>>;
}

/** Rows of the instruments wanted that were detected then or later, in integer microseconds. */
export type RecountScope = {
  readonly isWanted: (instrument: KnownInstrument) => boolean;
  readonly detectedFrom: number;
};

export const ALL_GAPS: RecountScope = { isWanted: () => true, detectedFrom: 0 };

export type Recounted = {
  /** Unfilled rows with ids. */
  readonly unfilled: number;
  /** Of these, changed; and of these, filled. */
  readonly narrowed: number;
  readonly filled: number;
};

/** Recounts the rows of the scope. Throws `MdpError`, `aborted` on `signal`. */
export const recountGaps = async (
  tables: GapTables,
  { isWanted, detectedFrom }: RecountScope,
  signal: AbortSignal,
): Promise<Recounted> => {
  const total = { unfilled: 0, narrowed: 0, filled: 0 };
  for (const instrument of await tables.instruments(detectedFrom)) {
    if (!isWanted(instrument)) continue;
    let after: RowKey | undefined = { time: 0, id: LEAST_ID };
    do {
      requireGoing(signal);
      const gaps = await tables.unfilled(instrument.id, detectedFrom, after, GAPS_A_ROUND);
      const changes = await changesOf(tables, gaps, signal);
      const { narrowed, filled } =
        changes.length === 0 ? { narrowed: 0, filled: 0 } : await tables.narrow(changes);
      total.unfilled += gaps.length;
      total.narrowed += narrowed;
      total.filled += filled;
      after = gaps.length < GAPS_A_ROUND ? undefined : gaps.at(-1)?.from;
    } while (after !== undefined);
  }
  return total;
};

const changesOf = async (
  tables: GapTables,
  gaps: readonly UnfilledGap[],
  signal: AbortSignal,
): Promise<readonly Narrowed[]> => {
  const changes: Narrowed[] = [];
  for (const gap of gaps) {
    const span = gap.to.id - gap.from.id + 1n;
    if (!gap.isTouched || span - gap.missing >= MOST_TRADES) continue;
    const { ids, receivedTo } = await countTrades(tables, gap, signal);
    const missing = span - ids;
    if (missing < gap.missing) changes.push({ gap, missing, receivedTo });
  }
  return changes;
};

/** How many ids of the hole are there; fewer where they lie in too many pieces. */
const countTrades = async (tables: GapTables, gap: UnfilledGap, signal: AbortSignal) => {
  let ranges: readonly IdRange[] = [];
  let receivedTo = 0;
  let after: RowKey | undefined = { time: gap.from.time, id: LEAST_ID };
  do {
    requireGoing(signal);
    const page = await tables.trades(gap, after, TRADES_A_PAGE);
    ranges = merged([...ranges, ...page.ranges]);
    receivedTo = Math.max(receivedTo, page.receivedTo);
    after = page.next;
  } while (after !== undefined && ranges.length <= MOST_RANGES);
  const ids = ranges.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n);
  return { ids, receivedTo };
};

/** The same ids in as few ranges as can be, ascending. */
const merged = (ranges: readonly IdRange[]): readonly IdRange[] => {
  const fewest: IdRange[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = fewest.at(-1);
    if (before === undefined || first > before.last + 1n) fewest.push({ first, last });
    else if (last > before.last) fewest.splice(-1, 1, { first: before.first, last });
  }
  return fewest;
};

const requireGoing = (signal: AbortSignal): void => {
  if (signal.aborted) throw new MdpError('aborted', 'the recount was stopped', { retry: true });
};
