import type { LateReason, Side, Trade } from '../market/events.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import {
  FIRST_MARK,
  INSTRUMENT_WORD,
  ODD,
  ROW_BYTES,
  ROW_NUMBERS,
  ROW_WORDS,
  SMALL_BYTE,
  type RowLayout,
} from './packed-rows.ts';

/** Which number of a row is what. `NaN` stands for undefined. */
export const TRADE = {
  eventTime: 0,
  receiveTime: 1,
  id: 2,
  price: 3,
  size: 4,
  firstId: 5,
  lastId: 6,
  /** Among the small numbers. */
  priceScale: SMALL_BYTE,
  sizeScale: SMALL_BYTE + 1,
} as const;

/** Two bits each: an index in `sides` and in `lates`. */
const SIDE_SHIFT = 24;
const LATE_SHIFT = 26;

const sides: readonly (Side | undefined)[] = [undefined, 'buy', 'sell'];
const lates: readonly (LateReason | undefined)[] = [undefined, 'late', 'stale', 'unplaced'];
const lateIndex: Readonly<Record<LateReason, number>> = { late: 1, stale: 2, unplaced: 3 };

/** 0 where it is not known, 1 for `buy`, 2 for `sell`. */
export const sideIndex = (word: number): number => (word >> SIDE_SHIFT) & 3;
/** 0 where it is not late, then `late`, `stale` and `unplaced`. */
export const lateIndexOf = (word: number): number => (word >> LATE_SHIFT) & 3;

export const tradeLayout: RowLayout<Trade> = {
  write: ({ numbers, bytes }, index, trade) => {
    const { id, price, size, firstId, lastId } = trade;
    const at = index * ROW_NUMBERS;
    numbers[at + TRADE.eventTime] = trade.eventTime;
    numbers[at + TRADE.receiveTime] = trade.receiveTime;
    if (
      typeof id !== 'number' ||
      typeof price.units !== 'number' ||
      typeof size.units !== 'number' ||
      typeof firstId === 'bigint' ||
      typeof lastId === 'bigint' ||
      trade.ref !== undefined ||
      (price.scale & 0xff) !== price.scale ||
      (size.scale & 0xff) !== size.scale
    ) {
      return ODD;
    }
    numbers[at + TRADE.id] = id;
    numbers[at + TRADE.price] = price.units;
    numbers[at + TRADE.size] = size.units;
    numbers[at + TRADE.firstId] = firstId ?? Number.NaN;
    numbers[at + TRADE.lastId] = lastId ?? Number.NaN;
    bytes[index * ROW_BYTES + TRADE.priceScale] = price.scale;
    bytes[index * ROW_BYTES + TRADE.sizeScale] = size.scale;
    return tradeMarks(trade);
  },

  read: ({ numbers, words, bytes }, index, instrument) => {
    const at = index * ROW_NUMBERS;
    const small = index * ROW_BYTES;
    const word = words[index * ROW_WORDS + INSTRUMENT_WORD] ?? 0;
    const priceUnits = numbers[at + TRADE.price] ?? Number.NaN;
    const sizeUnits = numbers[at + TRADE.size] ?? Number.NaN;
    return {
      kind: 'trade',
      instrument,
      eventTime: eventTime(numbers[at + TRADE.eventTime] ?? Number.NaN),
      receiveTime: receiveTime(numbers[at + TRADE.receiveTime] ?? Number.NaN),
      id: numbers[at + TRADE.id] ?? Number.NaN,
      ref: undefined,
      price: { units: priceUnits, scale: bytes[small + TRADE.priceScale] ?? 0 },
      size: { units: sizeUnits, scale: bytes[small + TRADE.sizeScale] ?? 0 },
      side: sides[sideIndex(word)],
      firstId: known(numbers[at + TRADE.firstId]),
      lastId: known(numbers[at + TRADE.lastId]),
      late: lates[lateIndexOf(word)],
    };
  },

  timeOf: ({ numbers }, index) => numbers[index * ROW_NUMBERS + TRADE.eventTime] ?? Number.NaN,

  oddBytes: ({ ref = '' }) => 320 + 2 * ref.length,
};

/** What `sideIndex` and `lateIndexOf` read. */
export function tradeMarks({ side, late }: Trade): number {
  let marks = late === undefined ? 0 : lateIndex[late] << LATE_SHIFT;
  if (side !== undefined) marks |= side === 'buy' ? FIRST_MARK : FIRST_MARK << 1;
  return marks;
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
