import type { Instrument } from '../market/instrument.ts';
import type { ReceiveTime } from '../market/time.ts';
import { PlainHistogram } from '../runtime/histogram.ts';
import { rejectReasons, undecodableReasons } from '../venues/venue.ts';
import { increase, zeroed } from './ledger.ts';

/**
 * Seconds from event to receipt. Venues' clocks run ahead of ours too: what is negative falls into
 * the first bucket.
 */
const LAG_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

/** What the reader counts of one source, in plain numbers; metrics copy them at scrape. */
export class SourceStats {
  readonly name: string;
  /**
   * Decoded trades and quotes by dense instrument id; undefined where the source never had the
   * instrument.
   */
  readonly items: (number | undefined)[] = [];
  readonly instruments: Instrument[] = [];
  /** The ids of `instruments`, by symbol. */
  readonly #ids = new Map<string, number>();
  /** Receive time of the last of them, likewise. */
  readonly #heardAt: (ReceiveTime | undefined)[] = [];
  readonly decodeErrors = zeroed([...undecodableReasons, ...rejectReasons]);
  readonly lag = new PlainHistogram(LAG_BUCKETS);
  readonly gaps = new Map<string, number>();
  missing = 0;
  pacingBlocked = 0;

  constructor(name: string) {
    this.name = name;
  }

  item(instrument: Instrument, at: ReceiveTime): void {
    const before = this.items[instrument.id];
    if (before === undefined) this.#met(instrument);
    this.items[instrument.id] = (before ?? 0) + 1;
    this.#heardAt[instrument.id] = at;
  }

  /** When a symbol was last heard; undefined where it never was. */
  lastHeard(symbol: string): ReceiveTime | undefined {
    const id = this.#ids.get(symbol);
    return id === undefined ? undefined : this.#heardAt[id];
  }

  #met(instrument: Instrument): void {
    this.instruments.push(instrument);
    this.#ids.set(instrument.symbol, instrument.id);
  }

  total(): number {
    return this.instruments.reduce((sum, { id }) => sum + (this.items[id] ?? 0), 0);
  }

  decodeError(reason: string): void {
    increase(this.decodeErrors, reason, 1);
  }
}
