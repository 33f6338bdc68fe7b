import type { Bar } from '../market/bar.ts';
import { parseDecimal, type Decimal } from '../market/decimal.ts';
import type { LateReason, Quote, Side, Trade } from '../market/events.ts';
import type { Gap, GapReason } from '../market/gap.ts';
import type { Instruments } from '../market/instrument.ts';
import { parseInteger, type Integer } from '../market/integer.ts';
import { eventTime, receiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';

/** The row that `rowAsText` wrote. Throws `MdpError` `input` for any other text. */
export const rowFromText = (text: string, instruments: Instruments): Trade | Quote | Bar | Gap => {
  const row = new Fields(parsed(text));
  switch (row.text('kind')) {
    case 'trade':
      return tradeOf(row, instruments);
    case 'quote':
      return quoteOf(row, instruments);
    case 'bar':
      return barOf(row, instruments);
    case 'gap':
      return gapOf(row, instruments);
    default:
      throw damaged('kind');
  }
};

const tradeOf = (row: Fields, instruments: Instruments): Trade => ({
  kind: 'trade',
  instrument: instrumentOf(row, instruments),
  eventTime: eventTime(row.count('eventTime')),
  receiveTime: receiveTime(row.count('receiveTime')),
  id: row.integer('id'),
  ref: row.maybe('ref', () => row.text('ref')),
  price: row.decimal('price'),
  size: row.decimal('size'),
  side: row.maybe('side', () => row.oneOf<Side>('side', ['buy', 'sell'])),
  firstId: row.maybe('firstId', () => row.integer('firstId')),
  lastId: row.maybe('lastId', () => row.integer('lastId')),
  late: row.maybe('late', () => row.oneOf<LateReason>('late', ['late', 'stale', 'unplaced'])),
});

const quoteOf = (row: Fields, instruments: Instruments): Quote => ({
  kind: 'quote',
  instrument: instrumentOf(row, instruments),
  eventTime: row.maybe('eventTime', () => eventTime(row.count('eventTime'))),
  receiveTime: receiveTime(row.count('receiveTime')),
  id: row.integer('id'),
  venueId: row.flag('venueId'),
  bid: row.maybe('bid', () => row.decimal('bid')),
  bidSize: row.maybe('bidSize', () => row.decimal('bidSize')),
  ask: row.maybe('ask', () => row.decimal('ask')),
  askSize: row.maybe('askSize', () => row.decimal('askSize')),
});

const barOf = (row: Fields, instruments: Instruments): Bar => ({
  kind: 'bar',
  instrument: instrumentOf(row, instruments),
  timeframe: row.count('timeframe'),
  openTime: eventTime(row.count('openTime')),
  open: row.decimal('open'),
  high: row.decimal('high'),
  low: row.decimal('low'),
  close: row.decimal('close'),
  volume: row.decimal('volume'),
  quoteVolume: row.decimal('quoteVolume'),
  buyVolume: row.decimal('buyVolume'),
  vwap: row.maybe('vwap', () => row.decimal('vwap')),
  tradeCount: row.count('tradeCount'),
  firstTradeId: row.maybe('firstTradeId', () => row.integer('firstTradeId')),
  lastTradeId: row.maybe('lastTradeId', () => row.integer('lastTradeId')),
  lateCount: row.count('lateCount'),
  complete: row.flag('complete'),
  gap: row.flag('gap'),
  revision: row.count('revision'),
  epoch: row.count('epoch'),
});

const gapOf = (row: Fields, instruments: Instruments): Gap => ({
  kind: 'gap',
  instrument: instrumentOf(row, instruments),
  fromId: row.integer('fromId'),
  toId: row.integer('toId'),
  fromTime: eventTime(row.count('fromTime')),
  toTime: eventTime(row.count('toTime')),
  missing: row.maybe('missing', () => row.integer('missing')),
  reason: row.oneOf<GapReason>('reason', ['reconnect', 'skipped', 'dropped', 'down']),
  detectedAt: receiveTime(row.count('detectedAt')),
  filledAt: row.maybe('filledAt', () => receiveTime(row.count('filledAt'))),
});

const instrumentOf = (row: Fields, instruments: Instruments) => {
  const named = new Fields(row.object('instrument'));
  const instrument = instruments.intern(named.text('venue'), named.text('symbol'));
  if (instrument !== undefined) return instrument;
  throw new MdpError('instrument_limit', 'more instruments than this process holds');
};

/** The fields of an object by name; each throws `input` where the field is another. */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  maybe<T>(name: string, read: () => T): T | undefined {
    return this.#values[name] === undefined ? undefined : read();
  }

  text(name: string): string {
    const value = this.#values[name];
    if (typeof value === 'string') return value;
    throw damaged(name);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = allowed.find((each) => each === this.#values[name]);
    if (value !== undefined) return value;
    throw damaged(name);
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    if (typeof value === 'boolean') return value;
    throw damaged(name);
  }

  count(name: string): number {
    const value = this.#values[name];
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw damaged(name);
  }

  integer(name: string): Integer {
    const value = this.#values[name];
    const integer = typeof value === 'string' ? parseInteger(value) : this.count(name);
    if (integer !== undefined) return integer;
    throw damaged(name);
  }

  decimal(name: string): Decimal {
    const value = parseDecimal(this.text(name));
    if (value !== undefined) return value;
    throw damaged(name);
  }

  object(name: string): Readonly<Record<string, unknown>> {
    const value = this.#values[name];
    if (typeof value === 'object' && value !== null) return { ...value };
    throw damaged(name);
  }
}

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Said below: the caller keeps the text.
  }
  throw damaged('text');
};

const damaged = (field: string): MdpError =>
  new MdpError('input', `a kept row cannot be read: its ${field} is damaged`);
