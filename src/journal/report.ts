import type { Keeper } from './keeper.ts';
import type { Mark } from './record-buffer.ts';
import type { Segments } from './segments.ts';
import type { SegmentWriter } from './segment-writer.ts';

/**
 * writing: as it should be. full: at a bound, the policy acts. away: the disk takes nothing, frames
 * wait in memory.
 */
export type JournalState = 'writing' | 'full' | 'away';

/** A snapshot for health, status and metrics. Counters rise from process start. */
export type JournalReport = {
  readonly state: JournalState;
  /** The errno of a disk that is away, and since when, our clock, µs. */
  readonly errno: string | undefined;
  readonly awaySince: number | undefined;
  readonly segments: number;
  /** On disk and on the way to it. */
  readonly bytes: number;
  /** Of settled segments, which make room when it is needed. */
  readonly retainedBytes: number;
  /** Taken in and not synced yet. */
  readonly unsyncedBytes: number;
  /** Taken in and not read yet; and how old the next record to be read is. */
  readonly lagBytes: number;
  readonly lagSeconds: number;
  /**
   * Until a bound is reached at the present rate, if nothing more were settled; undefined while
   * nothing comes.
   */
  readonly hoursLeft: number | undefined;
  readonly droppedFrames: number;
  readonly lostFrames: number;
  readonly damaged: number;
  readonly tornBytes: number;
  readonly syncFailures: number;
};

/** Bytes taken in a second, smoothed over `SMOOTH_SECONDS`. */
export type Rate = { at: number; position: number; bytesPerSecond: number };

export type ReportParts = {
  readonly options: { readonly clock: { now(): number } };
  readonly segments: Segments;
  readonly writer: SegmentWriter;
  readonly keeper: Keeper;
  readonly end: Mark;
  readonly taken: Mark;
  readonly takenReceive: number;
  readonly rate: Rate;
  readonly tornBytes: number;
  readonly damaged: number;
  readonly droppedFrames: number;
  readonly lostFrames: number;
};

const SMOOTH_SECONDS = 60;

export const journalReport = (parts: ReportParts): JournalReport => {
  const { segments, writer, keeper, end, taken } = parts;
  const now = parts.options.clock.now();
  const retainedBytes = retained(segments, keeper);
  const bytesPerSecond = rateNow(parts.rate, now, end.position);
  const room = Math.max(0, keeper.room + retainedBytes);
  const lagBytes = Math.max(0, end.position - Math.max(taken.position, firstStart(parts)));
  const lagging = lagBytes > 0 && parts.takenReceive > 0;
  return {
    state: stateOf(writer, keeper),
    errno: writer.away?.errno,
    awaySince: writer.away?.since,
    segments: segments.all.length,
    bytes: keeper.bytes,
    retainedBytes,
    unsyncedBytes: end.position - writer.synced.position,
    lagBytes,
    lagSeconds: lagging ? Math.max(0, now - parts.takenReceive) / 1e6 : 0,
    hoursLeft: bytesPerSecond > 0 ? room / bytesPerSecond / 3600 : undefined,
    droppedFrames: parts.droppedFrames,
    lostFrames: parts.lostFrames,
    damaged: parts.damaged,
    tornBytes: parts.tornBytes,
    syncFailures: writer.syncFailures,
  };
};

const stateOf = (writer: SegmentWriter, keeper: Keeper): JournalState => {
  if (writer.away !== undefined) return 'away';
  return keeper.room <= 0 ? 'full' : 'writing';
};

const retained = (segments: Segments, keeper: Keeper): number =>
  segments.all
    .filter(({ sealed, end }) => sealed && end <= keeper.settled)
    .reduce((sum, { bytes }) => sum + bytes, 0);

/** Positions leap at a restart: what lies before the first unread segment is no lag. */
const firstStart = ({ segments, taken, writer }: ReportParts): number =>
  segments.from(taken.position)?.start ?? writer.written.position;

const rateNow = (rate: Rate, now: number, position: number): number => {
  const seconds = (now - rate.at) / 1e6;
  if (seconds >= 1) {
    const weight = Math.min(1, seconds / SMOOTH_SECONDS);
    const present = (position - rate.position) / seconds;
    rate.bytesPerSecond += (present - rate.bytesPerSecond) * weight;
    rate.at = now;
    rate.position = position;
  }
  return rate.bytesPerSecond;
};
