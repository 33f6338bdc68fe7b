import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import { compareInteger, type Integer } from '../market/integer.ts';
import { eventTime, type EventTime, type ReceiveTime } from '../market/time.ts';
import type { Batch } from '../sinks/sink.ts';

/**
 * The gap rows of a batch that was given up: one an instrument, over the ids and times of its rows
 * in the batch. Holes that hold quotes only have `missing` 0 and no ids.
 */
export const gapsOfDroppedBatch = (batch: Batch, detectedAt: ReceiveTime): readonly Gap[] => {
  const gaps = new Map<number, Gap>();
  if (batch.table !== 'trade' && batch.table !== 'quote') return [];
  for (const row of batch.rows) {
    const gap = gaps.get(row.instrument.id);
    gaps.set(row.instrument.id, gap === undefined ? gapOf(row, detectedAt) : widened(gap, row));
  }
  return [...gaps.values()];
};

const timeOf = (row: Trade | Quote): EventTime => row.eventTime ?? eventTime(row.receiveTime);

/**
 * A gap begins at the trade before it, which the batch does not know: a microsecond earlier. The
 * operators may have had a hole from this very id, since filled, behind a trade of the same time;
 * under its key the row would be taken for an older copy of that one.
 */
const gapOf = (row: Trade | Quote, detectedAt: ReceiveTime): Gap => ({
  kind: 'gap',
  instrument: row.instrument,
  fromId: row.kind === 'trade' ? row.id : 0,
  toId: row.kind === 'trade' ? row.id : 0,
  fromTime: justBefore(timeOf(row)),
  toTime: timeOf(row),
  missing: row.kind === 'trade' ? 1 : 0,
  reason: 'dropped',
  detectedAt,
  filledAt: undefined,
});

const widened = (gap: Gap, row: Trade | Quote): Gap => {
  const time = timeOf(row);
  const isTrade = row.kind === 'trade';
  return {
    ...gap,
    fromId: isTrade ? lesser(gap.fromId, row.id) : 0,
    toId: isTrade ? greater(gap.toId, row.id) : 0,
    fromTime: time <= gap.fromTime ? justBefore(time) : gap.fromTime,
    toTime: time > gap.toTime ? time : gap.toTime,
    missing: isTrade ? Number(gap.missing ?? 0) + 1 : 0,
  };
};

const justBefore = (time: EventTime): EventTime => eventTime(Math.max(0, time - 1));

const lesser = (a: Integer, b: Integer): Integer => (compareInteger(a, b) <= 0 ? a : b);
const greater = (a: Integer, b: Integer): Integer => (compareInteger(a, b) >= 0 ? a : b);
