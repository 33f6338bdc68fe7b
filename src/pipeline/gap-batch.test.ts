import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Gap, GapReason } from '../market/gap.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import { GapBatch } from './gap-batch.ts';

const open = (): GapBatch =>
  new GapBatch({ maxRows: 1000, maxBytes: 1e9, onBytes: () => {} }, (rows, bytes) => ({
    table: 'gap',
    rows: rows.filter((row) => row.kind === 'gap'),
    bytes,
  }));

const hole = (
  instrument: number,
  from: number,
  to: number,
  reason: GapReason = 'dropped',
): Gap => ({
  kind: 'gap',
  instrument: { id: instrument, venue: 'v', symbol: `S${instrument}` },
  fromId: from,
  toId: to,
  fromTime: eventTime(from * 10 - 1),
  toTime: eventTime(to * 10),
  missing: to - from + 1,
  reason,
  detectedAt: receiveTime(1),
  filledAt: undefined,
});

const enter = (batch: GapBatch, gap: Gap): void => {
  if (!batch.join(gap)) batch.add(gap, 1);
};

const rowsOf = (batch: GapBatch): readonly Gap[] => {
  const taken = batch.take().batch;
  return taken.table === 'gap' ? taken.rows : [];
};

test('what was given up one after the other is one row, and nothing else is', () => {
  const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean()), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(lengths, (parts) => {
      const batch = open();
      const runs: [number, number][] = [];
      let next = 1;
      let wasDropped = false;
      for (const [length, isDropped] of parts) {
        const last = next + length - 1;
        for (const instrument of isDropped ? [0, 1] : []) {
          enter(batch, hole(instrument, next, last));
        }
        const run = runs.at(-1);
        if (isDropped && wasDropped && run !== undefined) run[1] = last;
        else if (isDropped) runs.push([next, last]);
        wasDropped = isDropped;
        next = last + 1;
      }
      const rows = rowsOf(batch);
      for (const instrument of [0, 1]) {
        expect(rows.filter((row) => row.instrument.id === instrument)).toEqual(
          runs.map(([from, to]) => hole(instrument, from, to)),
        );
      }
    }),
  );
});

test('a row that is on its way, another reason, and holes without ids are left alone', () => {
  const batch = open();
  enter(batch, hole(0, 1, 5, 'skipped'));
  enter(batch, hole(0, 6, 9));
  expect(rowsOf(batch).length).toBe(2);
  enter(batch, hole(0, 10, 12));
  expect(rowsOf(batch)).toEqual([hole(0, 10, 12)]);
  const quotes = { ...hole(0, 0, 0), missing: 0 };
  enter(batch, quotes);
  enter(batch, quotes);
  expect(rowsOf(batch)).toEqual([quotes, quotes]);
});
