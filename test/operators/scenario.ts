/** For the tests of src/operators: operators, what comes out of them, short ways to feed them. */
import { deepStrictEqual } from 'node:assert/strict';
import type { Bar } from '../../src/market/bar.ts';
import { parseDecimal, formatDecimal, type Decimal } from '../../src/market/decimal.ts';
import type { Quote, Side, Trade } from '../../src/market/events.ts';
import type { Gap } from '../../src/market/gap.ts';
import { Instruments, type Instrument } from '../../src/market/instrument.ts';
import type { Integer } from '../../src/market/integer.ts';
import type { SourceState } from '../../src/market/record.ts';
import { eventTime, receiveTime } from '../../src/market/time.ts';
import type { VenueFacts } from '../../src/venues/venue.ts';
import type {
  MarketOperators,
  OperatorsSettings,
  RejectedReason,
} from '../../src/operators/operator.ts';
import { createOperators } from '../../src/operators/operators.ts';
import { must } from '../../src/operators/json.ts';

const SOURCE = 'test';
/** 2023-11-14T22:13:00Z: a whole minute. All times of scenarios are milliseconds from here. */
export const START = 1_700_000_000_000_000 - 20_000_000;
/** The venue's clock is that much behind ours. */
export const BEHIND = 7_000;

export type Wish = {
  readonly tradeIds?: VenueFacts['tradeIds'];
  readonly timeframes?: readonly number[];
  readonly latenessMs?: number;
  readonly empty?: 'none' | 'flat';
  readonly maxAgeMs?: number;
  readonly maxAheadMs?: number;
};

/** One row that came out, in order. */
export type Row =
  | Trade
  | Quote
  | Bar
  | Gap
  | { readonly kind: 'duplicate'; readonly row: Trade | Quote }
  | { readonly kind: 'rejected'; readonly row: Trade | Quote; readonly reason: RejectedReason };

export function decimal(text: string): Decimal {
  return must(parseDecimal(text));
}

export class Scenario {
  readonly rows: Row[] = [];
  readonly instruments = new Instruments();
  readonly #wish: Wish;
  operators: MarketOperators;
  /** Connection of what is fed next. */
  connection = 1;
  nextId: Integer = 1;

  constructor(wish: Wish = {}) {
    this.#wish = wish;
    this.operators = this.#create(wish);
  }

  /** Saves, makes new operators (under another wish, if given), and loads. */
  restart(wish: Wish = this.#wish): void {
    const saved = structuredClone(this.operators.save());
    // Had JSON another form for any of it, a real restart would load something else.
    deepStrictEqual(JSON.parse(JSON.stringify(saved)), saved);
    this.operators = this.#create(wish);
    this.operators.load(saved);
  }

  instrument(symbol = 'BTC'): Instrument {
    return must(this.instruments.intern('venue', symbol));
  }

  /**
   * A trade at `ms` by the venue's clock; it arrives `BEHIND` later by ours, or at `receivedMs`.
   */
  trade(ms: number, fields: Partial<Trade> & { receivedMs?: number; at?: string } = {}): void {
    const { receivedMs = ms + BEHIND, at, ...rest } = fields;
    const id = rest.id ?? this.nextId;
    if (typeof id === 'number') this.nextId = id + 1;
    const trade: Trade = {
      kind: 'trade',
      instrument: this.instrument(),
      eventTime: eventTime(START + ms * 1_000),
      receiveTime: receiveTime(START + receivedMs * 1_000),
      id,
      ref: undefined,
      price: decimal(at ?? '100'),
      size: decimal('1'),
      side: 'buy' satisfies Side,
      firstId: undefined,
      lastId: undefined,
      late: undefined,
      ...rest,
    };
    this.operators.trade(trade, SOURCE, this.connection);
  }

  quote(receivedMs: number, fields: Partial<Quote> = {}): void {
    const quote: Quote = {
      kind: 'quote',
      instrument: this.instrument(),
      eventTime: undefined,
      receiveTime: receiveTime(START + receivedMs * 1_000),
      id: 1,
      venueId: true,
      bid: decimal('99'),
      bidSize: decimal('1'),
      ask: decimal('101'),
      askSize: decimal('1'),
      ...fields,
    };
    this.operators.quote(quote, SOURCE, this.connection);
  }

  /**
   * Ticks every 250 ms by our clock, `from` excluded; the connection is heard with each, or only up
   * to `heardMs`.
   */
  ticks(fromMs: number, toMs: number, heardMs = toMs): void {
    for (let ms = fromMs + 250; ms <= toMs; ms += 250) this.tick(ms, Math.min(ms, heardMs));
  }

  tick(ms: number, heardMs = ms): void {
    this.operators.tick({
      kind: 'tick',
      receiveTime: receiveTime(START + ms * 1_000),
      source: SOURCE,
      connection: this.connection,
      arrival: receiveTime(START + heardMs * 1_000),
    });
  }

  state(ms: number, state: SourceState, symbols: readonly string[] = []): void {
    this.operators.state({
      kind: 'state',
      receiveTime: receiveTime(START + ms * 1_000),
      source: SOURCE,
      connection: this.connection,
      state,
      symbols,
      count: state === 'dropped' ? 1 : 0,
    });
  }

  /** The source begins, connects and is subscribed. */
  /** Opened before time 0, the connection has been heard until then. */
  open(ms: number): void {
    this.state(ms, 'started');
    this.connect(ms);
    if (ms < 0) this.ticks(ms, 0);
  }

  connect(ms: number): void {
    this.state(ms, 'connected');
    this.state(ms, 'subscribed', ['BTC']);
  }

  /** The connection is lost, and another takes its place. */
  reconnect(lostMs: number, backMs: number): void {
    this.state(lostMs, 'lost');
    this.connection += 1;
    this.connect(backMs);
  }

  drain(ms: number): void {
    this.operators.drain(receiveTime(START + ms * 1_000));
  }

  bars(timeframe?: number): Bar[] {
    const bars = this.rows.filter((row) => row.kind === 'bar');
    return timeframe === undefined ? bars : bars.filter((bar) => bar.timeframe === timeframe);
  }

  trades(): Trade[] {
    return this.rows.filter((row) => row.kind === 'trade');
  }

  quotes(): Quote[] {
    return this.rows.filter((row) => row.kind === 'quote');
  }

  gaps(): Gap[] {
    return this.rows.filter((row) => row.kind === 'gap');
  }

  count(kind: Row['kind']): number {
    return this.rows.filter((row) => row.kind === kind).length;
  }

  /** The last row of each bar, in the order of open times. */
  lastBars(timeframe: number): Bar[] {
    const last = new Map<number, Bar>();
    for (const bar of this.bars(timeframe)) last.set(bar.openTime, bar);
    return [...last.values()].toSorted((a, b) => a.openTime - b.openTime);
  }

  #create(wish: Wish): MarketOperators {
    const settings: OperatorsSettings = {
      validate: { maxAgeMs: wish.maxAgeMs ?? 600_000, maxAheadMs: wish.maxAheadMs ?? 60_000 },
      bars: {
        timeframes: wish.timeframes ?? [1],
        allowedLatenessMs: wish.latenessMs ?? 2_000,
        empty: wish.empty ?? 'none',
      },
      epoch: 0,
      facts: () => ({
        tradeIds: wish.tradeIds ?? 'contiguous',
        quoteIds: true,
        maxConnectionAgeMs: undefined,
        maxSymbolsPerConnection: 1,
        maxSendsPerSecond: 1,
        maxConnectsPerMinute: 1,
        confirmsPerSymbol: true,
        acksUnknownNames: false,
      }),
      instrument: (venue, symbol) => must(this.instruments.intern(venue, symbol)),
    };
    const push = (row: Row) => void this.rows.push(row);
    return createOperators(settings, {
      trade: push,
      quote: push,
      bar: push,
      gap: push,
      duplicate: (row) => push({ kind: 'duplicate', row }),
      rejected: (row, reason) => push({ kind: 'rejected', row, reason }),
    });
  }
}

/** `[open time in ms, close, trades, revision]` and the flags that are not as usual. */
export function brief(bar: Bar): string {
  const ms = (bar.openTime - START) / 1_000;
  const flags = [
    bar.complete ? '' : ' incomplete',
    bar.gap ? ' gap' : '',
    bar.lateCount > 0 ? ` late ${bar.lateCount}` : '',
  ];
  const what = `${bar.timeframe}s@${ms} ${formatDecimal(bar.close)} x${bar.tradeCount}`;
  return `${what} r${bar.revision}${flags.join('')}`;
}
