import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyQuote, anyTrade } from '../../test/contract/any-ticks.ts';
import { makeTrade, makeTrades, noon } from '../../test/postgres/rows.ts';
import { eventTime } from '../market/time.ts';
import { quoteLayout } from './packed-quotes.ts';
import { PackedRows, ROW_BYTES, type InstrumentRow, type RowLayout } from './packed-rows.ts';
import { tradeLayout } from './packed-trades.ts';

/** Memory in which another batch has lain. */
function usedMemory(rows: number): ArrayBuffer {
  const buffer = new ArrayBuffer(rows * ROW_BYTES);
  new Uint8Array(buffer).fill(0xa5);
  return buffer;
}

function givesBack<Row extends InstrumentRow>(
  layout: RowLayout<Row>,
  row: fc.Arbitrary<Row>,
): void {
  const cut = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), cut, fc.nat({ max: 3 }), (rows, [a, b], room) => {
      const packed = PackedRows.in(layout, usedMemory(room));
      for (const each of rows) packed.push(each);
      expect(packed.length).toBe(rows.length);
      expect([...packed]).toStrictEqual(rows);
      expect(rows.map((_, index) => packed.at(index))).toStrictEqual(rows);
      expect([packed.at(-1), packed.at(rows.length)]).toEqual([undefined, undefined]);
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const half = packed.slice(from, to);
      expect([...half]).toStrictEqual(rows.slice(from, to));
      const inner = half.slice(1, 3);
      expect([...inner]).toStrictEqual(rows.slice(from, to).slice(1, 3));
      expect([...PackedRows.of(layout, rows)]).toStrictEqual(rows);
    }),
    { numRuns: 200 },
  );
}

describe('packed rows', () => {
  test('give back every trade as it was pushed', () => givesBack(tradeLayout, anyTrade));
  test('give back every quote as it was pushed', () => givesBack(quoteLayout, anyQuote));

  test('keep only what does not fit as objects, and say what everything takes', () => {
    const packed = PackedRows.in(tradeLayout, new ArrayBuffer(2 * ROW_BYTES), { most: 3 });
    expect(packed.push(makeTrade(1))).toBe(0);
    expect(packed.push(makeTrade(2, { id: 2n ** 60n }))).toBeGreaterThan(0);
    const { oddBytes } = packed;
    expect(packed.push(makeTrade(3))).toBe(ROW_BYTES);
    expect(packed.oddBytes).toBe(oddBytes);
    expect(packed.bytes).toBe(3 * ROW_BYTES + oddBytes);
    packed.push(makeTrade(4, { ref: 'x'.repeat(100) }));
    expect(packed.oddBytes).toBeGreaterThan(2 * oddBytes);
  });

  test('know each day once, in whatever order the rows come', () => {
    const day = 86_400_000_000;
    const midnight = noon + day / 2;
    const times = [midnight, midnight - 1, midnight + 5, midnight - 2, midnight + day, 0];
    const rows = times.map((time, id) => makeTrade(id, { eventTime: eventTime(time) }));
    const packed = PackedRows.of(tradeLayout, rows);
    expect(packed.days()).toEqual([midnight, midnight - 1, midnight + day, 0]);
    expect(packed.slice(1, 2).days()).toEqual([midnight - 1]);
  });

  test('that were released cannot be read, nor can a slice of them', () => {
    const packed = PackedRows.of(tradeLayout, makeTrades(1, 4));
    const slice = packed.slice(1, 3);
    expect(packed.release()?.byteLength).toBe(4 * ROW_BYTES);
    expect(packed.release()).toBeUndefined();
    for (const read of [() => packed.at(0), () => [...slice], () => slice.days()]) {
      expect(read).toThrow(expect.objectContaining({ code: 'invariant' }));
    }
    expect(() => packed.push(makeTrade(1))).toThrow(expect.objectContaining({ code: 'invariant' }));
  });

  test('refuse two instruments of one id', () => {
    const packed = PackedRows.of(tradeLayout, [makeTrade(1)]);
    const [{ instrument }] = [makeTrade(1)];
    packed.push(makeTrade(2, { instrument: { ...instrument } }));
    for (const other of [
      { ...instrument, symbol: 'OTHER' },
      { ...instrument, id: -1 },
      { ...instrument, id: 2 ** 24 },
    ]) {
      const push = () => packed.push(makeTrade(3, { instrument: other }));
      expect(push).toThrow(expect.objectContaining({ code: 'invariant' }));
    }
    expect(packed.length).toBe(2);
  });
});
