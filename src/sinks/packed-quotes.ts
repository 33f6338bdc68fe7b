import type { Decimal } from '../market/decimal.ts';
import type { Quote } from '../market/events.ts';
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
  type RowMemory,
} from './packed-rows.ts';

/** Which number of a row is what. `NaN` stands for undefined. */
export const QUOTE = {
  eventTime: 0,
  receiveTime: 1,
  id: 2,
  bid: 3,
  bidSize: 4,
  ask: 5,
  askSize: 6,
} as const;

/** The scale of a decimal stands among the small numbers, in the decimals' order. */
export const QUOTE_SCALE = SMALL_BYTE - QUOTE.bid;

const VENUE_ID = FIRST_MARK;

export const quoteLayout: RowLayout<Quote> = {
  write: (memory, index, quote) => {
    const { numbers } = memory;
    const { id, bid, bidSize, ask, askSize } = quote;
    const at = index * ROW_NUMBERS;
    numbers[at + QUOTE.eventTime] = quote.eventTime ?? Number.NaN;
    numbers[at + QUOTE.receiveTime] = quote.receiveTime;
    if (typeof id !== 'number') return ODD;
    numbers[at + QUOTE.id] = id;
    const fits =
      writeDecimal(memory, index, QUOTE.bid, bid) &&
      writeDecimal(memory, index, QUOTE.bidSize, bidSize) &&
      writeDecimal(memory, index, QUOTE.ask, ask) &&
      writeDecimal(memory, index, QUOTE.askSize, askSize);
    if (!fits) return ODD;
    return quote.venueId ? VENUE_ID : 0;
  },

  read: (memory, index, instrument) => {
    const { numbers, words } = memory;
    const at = index * ROW_NUMBERS;
    const time = numbers[at + QUOTE.eventTime] ?? Number.NaN;
    const word = words[index * ROW_WORDS + INSTRUMENT_WORD] ?? 0;
    return {
      kind: 'quote',
      instrument,
      eventTime: Number.isNaN(time) ? undefined : eventTime(time),
      receiveTime: receiveTime(numbers[at + QUOTE.receiveTime] ?? Number.NaN),
      id: numbers[at + QUOTE.id] ?? Number.NaN,
      venueId: (word & VENUE_ID) !== 0,
      bid: readDecimal(memory, index, QUOTE.bid),
      bidSize: readDecimal(memory, index, QUOTE.bidSize),
      ask: readDecimal(memory, index, QUOTE.ask),
      askSize: readDecimal(memory, index, QUOTE.askSize),
    };
  },

  timeOf: ({ numbers }, index) => {
    const time = numbers[index * ROW_NUMBERS + QUOTE.eventTime] ?? Number.NaN;
    if (!Number.isNaN(time)) return time;
    return numbers[index * ROW_NUMBERS + QUOTE.receiveTime] ?? Number.NaN;
  },

  oddBytes: () => 448,
};

/** False where it does not fit. */
function writeDecimal(
  { numbers, bytes }: RowMemory,
  index: number,
  column: number,
  value: Decimal | undefined,
): boolean {
  if (value === undefined) {
    numbers[index * ROW_NUMBERS + column] = Number.NaN;
    return true;
  }
  const { units, scale } = value;
  if (typeof units !== 'number' || (scale & 0xff) !== scale) return false;
  numbers[index * ROW_NUMBERS + column] = units;
  bytes[index * ROW_BYTES + QUOTE_SCALE + column] = scale;
  return true;
}

function readDecimal(
  { numbers, bytes }: RowMemory,
  index: number,
  column: number,
): Decimal | undefined {
  const units = numbers[index * ROW_NUMBERS + column] ?? Number.NaN;
  if (Number.isNaN(units)) return undefined;
  return { units, scale: bytes[index * ROW_BYTES + QUOTE_SCALE + column] ?? 0 };
}
