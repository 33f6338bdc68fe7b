import type { Bar } from '../market/bar.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import type { Position } from '../journal/record-buffer.ts';
import { receiveTime, type ReceiveTime } from '../market/time.ts';
import { timeframeName } from '../market/timeframes.ts';
import type { OperatorsOutput, RejectedReason } from '../operators/operator.ts';
import type { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { RejectReason, UndecodableReason } from '../venues/venue.ts';
import type { Batcher } from './batcher.ts';
import { DeadLetterSamples } from './dead-letters.ts';
import { increase, type Ledger } from './ledger.ts';
import { rowAsText } from './row-text.ts';
import type { SourceStats } from './source-stats.ts';

export type Store = ReadonlySet<'trades' | 'quotes' | 'bars'>;

/** Integer microseconds of event time, `to` not included. */
export type Span = { readonly from: number; readonly to: number };

export type RowsOptions = {
  readonly batcher: Batcher;
  readonly ledger: Ledger;
  readonly store: Store;
  /** Only rows whose own time lies in it are stored; undefined = all. */
  readonly span: Span | undefined;
  readonly stats: (source: string) => SourceStats | undefined;
  readonly log: RateLimitedLog;
};

/**
 * Where rows leave the operators: each is entered in the ledger and, when it is to be stored, added
 * to its batch. Also turns what was refused on the way into dead letters.
 */
export class Rows implements OperatorsOutput {
  readonly #options: RowsOptions;
  readonly #samples = new DeadLetterSamples();
  /** Bars made, by name of the timeframe. */
  readonly barsOut = new Map<string, number>();
  #receiveTime = receiveTime(0);
  #source = '';
  #position: Position = 0;
  #refusals = 0;

  constructor(options: RowsOptions) {
    this.#options = options;
  }

  /** Everything until the next call comes of the record at `position`. */
  at(received: ReceiveTime, source: string, position: Position): void {
    this.#receiveTime = received;
    this.#source = source;
    this.#position = position;
    this.#refusals = 0;
  }

  /** Enters a decoded row; false = by configuration it goes no further. */
  wanted(row: Trade | Quote, wanted: boolean): boolean {
    const counts = this.#options.ledger.rows[row.kind];
    counts.decoded += 1;
    if (!wanted) counts.notStored += 1;
    return wanted;
  }

  trade(trade: Trade): void {
    const { ledger, store, batcher } = this.#options;
    if (trade.late !== undefined) increase(ledger.late, trade.late, 1);
    if (store.has('trades') && this.#inSpan(trade.eventTime)) batcher.trade(trade);
    else ledger.rows.trade.notStored += 1;
  }

  quote(quote: Quote): void {
    const { ledger, store, batcher } = this.#options;
    const at = quote.eventTime ?? quote.receiveTime;
    if (store.has('quotes') && this.#inSpan(at)) batcher.quote(quote);
    else ledger.rows.quote.notStored += 1;
  }

  bar(bar: Bar): void {
    const { ledger, store, batcher } = this.#options;
    ledger.rows.bar.decoded += 1;
    increase(this.barsOut, timeframeName(bar.timeframe) ?? `${bar.timeframe}s`, 1);
    if (store.has('bars') && this.#inSpan(bar.openTime)) batcher.bar(bar);
    else ledger.rows.bar.notStored += 1;
  }

  gap(gap: Gap): void {
    this.#enterGap(gap);
    if (gap.filledAt !== undefined || gap.detectedAt !== this.#receiveTime) return;
    this.#countHole(gap, this.#source);
  }

  /**
   * The hole that a batch leaves which was given up behind the operators. Where it goes on with the
   * hole of the batch before it, whose row is not on its way yet, both are one.
   */
  gapOfDrop(gap: Gap, source: string): void {
    if (this.#options.batcher.joinGap(gap)) {
      const stats = this.#options.stats(source);
      if (stats !== undefined) stats.missing += Number(gap.missing ?? 0);
      return;
    }
    this.#enterGap(gap);
    this.#countHole(gap, source);
  }

  #enterGap(gap: Gap): void {
    const { ledger, batcher } = this.#options;
    ledger.rows.gap.decoded += 1;
    if (this.#inSpan(gap.fromTime)) batcher.gap(gap);
    else ledger.rows.gap.notStored += 1;
  }

  #inSpan(time: number): boolean {
    const { span } = this.#options;
    return span === undefined || (time >= span.from && time < span.to);
  }

  #countHole(gap: Gap, source: string): void {
    const stats = this.#options.stats(source);
    if (stats !== undefined) {
      increase(stats.gaps, gap.reason, 1);
      stats.missing += Number(gap.missing ?? 0);
    }
    this.#options.log.say(`gap ${gap.reason}`, 'warn', 'A hole in the trades was found', {
      venue: gap.instrument.venue,
      symbol: gap.instrument.symbol,
      reason: gap.reason,
      missing: gap.missing === undefined ? 'unknown' : String(gap.missing),
    });
  }

  duplicate(row: Trade | Quote): void {
    this.#options.ledger.rows[row.kind].duplicates += 1;
  }

  rejected(row: Trade | Quote, reason: RejectedReason): void {
    this.#options.ledger.rowRejected(row.kind, reason);
    this.#deadLetter('validate', reason, rowAsText(row));
  }

  /** A row inside a readable frame that decode could not take; `text` is the frame's. */
  refusedRow(kind: 'trade' | 'quote', reason: RejectReason, text: string): void {
    this.#options.ledger.rows[kind].decoded += 1;
    this.#options.ledger.rowRejected(kind, reason);
    this.#options.stats(this.#source)?.decodeError(reason);
    this.#deadLetter('decode', reason, text);
  }

  undecodable(reason: UndecodableReason, text: string): void {
    this.#options.ledger.frameUndecodable(reason);
    this.#deadLetter('decode', reason, text);
  }

  #deadLetter(stage: 'decode' | 'validate', reason: string, payload: string): void {
    const source = this.#source;
    const letter = this.#samples.sample({
      position: BigInt(this.#position),
      row: this.#refusals,
      receiveTime: this.#receiveTime,
      source,
      stage,
      reason,
      sqlstate: undefined,
      payload,
    });
    this.#refusals += 1;
    if (letter === undefined) return;
    this.#options.ledger.rows.dead_letter.decoded += 1;
    this.#options.batcher.deadLetter(letter);
    this.#options.log.say(`${stage} ${reason}`, 'warn', 'Input was refused and kept as a sample', {
      source,
      stage,
      reason,
    });
  }
}
