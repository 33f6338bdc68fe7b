import type { LateReason, Trade } from '../market/events.ts';
import type { Gap, GapReason } from '../market/gap.ts';
import type { Instrument } from '../market/instrument.ts';
import { addInteger, subtractInteger, type Integer } from '../market/integer.ts';
import { eventTime, receiveTime, type ReceiveTime } from '../market/time.ts';
import type { IntervalSet } from './interval-set.ts';
import type { Placing, TradeIds } from './dedupe.ts';
import { NEVER } from './instants.ts';
import type { Progress } from './lateness.ts';

/** Most holes an instrument waits for; the oldest then stays as it is. */
export const MAX_HOLES = 1_024;

/** Most ranges of time that are remembered as holes for good; the oldest two then become one. */
const MAX_RANGES = 64;

/**
 * A hole in contiguous ids that may still be filled. Times are the event times of the trades around
 * it.
 */
export type Hole = {
  readonly fromId: Integer;
  readonly toId: Integer;
  readonly fromTime: number;
  readonly toTime: number;
  readonly reason: GapReason;
  readonly detectedAt: number;
  missing: Integer;
  /** `missing` as the last row said it. */
  told: Integer;
  /**
   * A trade of the hole came too late for its bar: filled, it is still a blemish on the bars over
   * it.
   */
  spoiled: boolean;
};

export type TimeRange = { readonly from: number; readonly to: number };

/**
 * The known holes of an instrument's trades: of ids where the venue numbers contiguously, else of
 * time, where a connection was down or frames were dropped.
 */
export type Gaps = {
  readonly contiguous: boolean;
  /** The highest id of the present series that is not stale, and its event time. */
  highest: Integer | undefined;
  highestTime: number;
  /** Ascending by id. */
  holes: Hole[];
  /** Blemishes that nothing can heal. */
  ranges: TimeRange[];
  /** No hole or range ends behind it. */
  reach: number;
  /** Something may have been missed since the last trade, and why; behind this watermark. */
  broken: GapReason | undefined;
  brokenFrom: number;
};

/** How sound a bar is: whole; perhaps not (`doubtful`); or known to have a hole (`gap`). */
export type Blemish = 'whole' | 'doubtful' | 'gap';

export type GapOutput = { gap(gap: Gap): void };

/** What of an instrument's state decides about its gaps. */
export type Tracked = {
  readonly gaps: Gaps;
  readonly ids: TradeIds;
  readonly progress: Progress;
};

const rank: Readonly<Record<GapReason, number>> = { skipped: 0, reconnect: 1, down: 2, dropped: 3 };

export function createGaps(contiguous: boolean): Gaps {
  return {
    contiguous,
    highest: undefined,
    highestTime: NEVER,
    holes: [],
    ranges: [],
    reach: NEVER,
    broken: undefined,
    brokenFrom: NEVER,
  };
}

/** Whether a hole waits for this id. */
export function isAwaited(gaps: Gaps, id: Integer): boolean {
  const { highest } = gaps;
  if (highest !== undefined && id > highest) return false;
  return gaps.holes.length > 0 && holeOf(gaps, id) !== undefined;
}

/** From `watermark` on something may be missing. The graver reason stays until a trade tells. */
export function breakOff(gaps: Gaps, reason: GapReason, watermark: number): void {
  if (gaps.broken === undefined) gaps.brokenFrom = watermark;
  if (gaps.broken === undefined || rank[reason] > rank[gaps.broken]) gaps.broken = reason;
}

/**
 * What an accepted trade tells about holes: it may open one, fill one, or show that there is none.
 * Comes before the trade moves the watermark. True when the blemish of some bar may have changed.
 */
export function trackTrade(
  state: Tracked,
  trade: Trade,
  placing: Placing,
  late: LateReason | undefined,
  output: GapOutput,
): boolean {
  const { gaps, ids } = state;
  if (placing === 'reset') return restart(gaps, ids, trade, late, output);
  if (placing !== 'new') return false;
  if (!gaps.contiguous) {
    if (gaps.broken === undefined || late !== undefined) return false;
    openTimeGap(gaps, trade, state.progress.greatest, gaps.broken, output);
    gaps.broken = undefined;
    return true;
  }
  if (gaps.highest !== undefined && trade.id <= gaps.highest)
    return fill(gaps, trade, late, output);
  return late !== 'stale' && goOn(gaps, ids.seen, trade, output);
}

/** How far `[open, end)` is known to be whole. */
export function blemishOf(gaps: Gaps, open: number, end: number): Blemish {
  if (open <= gaps.reach && hasHole(gaps, open, end)) return 'gap';
  if (gaps.broken === undefined || end <= gaps.brokenFrom) return 'whole';
  return gaps.contiguous ? 'doubtful' : 'gap';
}

/** Whether a known hole, not only a suspicion, lies over `[open, end)`. */
export function hasHole(gaps: Gaps, open: number, end: number): boolean {
  return (
    gaps.ranges.some((range) => range.from < end && range.to >= open) ||
    gaps.holes.some((hole) => hole.fromTime < end && hole.toTime >= open)
  );
}

/**
 * End of input: tells what is known of holes half filled, and gives a drop that no trade followed
 * its row.
 */
export function drainGaps(
  gaps: Gaps,
  instrument: Instrument,
  greatest: number,
  at: ReceiveTime,
  output: GapOutput,
): void {
  for (const hole of gaps.holes) tellChange(hole, instrument, output);
  if (gaps.broken !== 'dropped') return;
  output.gap(timeGap(instrument, greatest, greatest, 'dropped', at));
  gaps.broken = 'down';
}

/** The next trade in id order, or the first behind a hole. */
function goOn(gaps: Gaps, seen: IntervalSet, trade: Trade, output: GapOutput): boolean {
  const { highest, highestTime, broken } = gaps;
  gaps.highest = trade.id;
  gaps.highestTime = trade.eventTime;
  gaps.broken = undefined;
  if (highest === undefined) return broken !== undefined;
  const fromId = addInteger(highest, 1);
  if (trade.id === fromId) return broken !== undefined;
  const toId = subtractInteger(trade.id, 1);
  const span = addInteger(subtractInteger(toId, fromId), 1);
  const missing = subtractInteger(span, seen.count(fromId, toId));
  if (missing === 0) return broken !== undefined;
  const hole: Hole = {
    fromId,
    toId,
    fromTime: highestTime,
    toTime: Math.max(highestTime, trade.eventTime),
    reason: broken ?? 'skipped',
    detectedAt: trade.receiveTime,
    missing,
    told: missing,
    spoiled: false,
  };
  if (gaps.holes.length >= MAX_HOLES) giveUpOldest(gaps, trade.instrument, output);
  gaps.holes.push(hole);
  gaps.reach = Math.max(gaps.reach, hole.toTime);
  output.gap(idGap(hole, trade.instrument, undefined));
  return true;
}

/** An id below the highest: one that a hole waits for makes it smaller. */
function fill(gaps: Gaps, trade: Trade, late: LateReason | undefined, output: GapOutput): boolean {
  const at = gaps.holes.length === 0 ? undefined : holeOf(gaps, trade.id);
  const hole = at === undefined ? undefined : gaps.holes[at];
  if (at === undefined || hole === undefined) return false;
  hole.missing = subtractInteger(hole.missing, 1);
  if (late !== undefined) hole.spoiled = true;
  if (hole.missing !== 0) return false;
  gaps.holes.splice(at, 1);
  if (hole.spoiled) addRange(gaps, hole.fromTime, hole.toTime);
  output.gap(idGap(hole, trade.instrument, trade.receiveTime));
  return true;
}

/** The venue numbers anew: nothing of the old series is waited for any more. */
function restart(
  gaps: Gaps,
  ids: TradeIds,
  trade: Trade,
  late: LateReason | undefined,
  output: GapOutput,
): boolean {
  while (gaps.holes.length > 0) giveUpOldest(gaps, trade.instrument, output);
  openTimeGap(gaps, trade, ids.resetAt, gaps.broken ?? 'skipped', output);
  gaps.broken = undefined;
  gaps.highest = late === 'stale' ? undefined : trade.id;
  gaps.highestTime = trade.eventTime;
  return true;
}

function openTimeGap(
  gaps: Gaps,
  trade: Trade,
  from: number,
  reason: GapReason,
  output: GapOutput,
): void {
  const to = Math.max(from, trade.eventTime);
  addRange(gaps, from, to);
  output.gap(timeGap(trade.instrument, from, to, reason, trade.receiveTime));
}

function giveUpOldest(gaps: Gaps, instrument: Instrument, output: GapOutput): void {
  const hole = gaps.holes.shift();
  if (hole === undefined) return;
  addRange(gaps, hole.fromTime, hole.toTime);
  tellChange(hole, instrument, output);
}

function tellChange(hole: Hole, instrument: Instrument, output: GapOutput): void {
  if (hole.told === hole.missing) return;
  hole.told = hole.missing;
  output.gap(idGap(hole, instrument, undefined));
}

function addRange(gaps: Gaps, from: number, to: number): void {
  gaps.ranges.push({ from, to });
  gaps.reach = Math.max(gaps.reach, to);
  const [first, second] = gaps.ranges;
  if (gaps.ranges.length <= MAX_RANGES || first === undefined || second === undefined) return;
  gaps.ranges.splice(0, 2, {
    from: Math.min(first.from, second.from),
    to: Math.max(first.to, second.to),
  });
}

/** Index of the hole with this id. */
function holeOf(gaps: Gaps, id: Integer): number | undefined {
  let low = 0;
  let high = gaps.holes.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const hole = gaps.holes[middle];
    if (hole === undefined) return undefined;
    if (id < hole.fromId) high = middle - 1;
    else if (id > hole.toId) low = middle + 1;
    else return middle;
  }
  return undefined;
}

function idGap(hole: Hole, instrument: Instrument, filledAt: ReceiveTime | undefined): Gap {
  return {
    kind: 'gap',
    instrument,
    fromId: hole.fromId,
    toId: hole.toId,
    fromTime: eventTime(hole.fromTime),
    toTime: eventTime(hole.toTime),
    missing: hole.missing,
    reason: hole.reason,
    detectedAt: receiveTime(hole.detectedAt),
    filledAt,
  };
}

function timeGap(
  instrument: Instrument,
  from: number,
  to: number,
  reason: GapReason,
  detectedAt: ReceiveTime,
): Gap {
  return {
    kind: 'gap',
    instrument,
    fromId: 0,
    toId: 0,
    fromTime: eventTime(from),
    toTime: eventTime(to),
    missing: undefined,
    reason,
    detectedAt,
    filledAt: undefined,
  };
}
