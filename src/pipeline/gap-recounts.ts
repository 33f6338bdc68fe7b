import type { Instruments } from '../market/instrument.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Batcher } from './batcher.ts';
import type { Settlement } from './settlement.ts';

/**
 * So long after gap rows were committed they are recounted, and again: another process may have
 * received what this one missed, and be behind with it.
 */
const LOOKS_MS = [2_000, 30_000, 600_000] as const;
/** Rows that were detected so long ago, in µs, are left to the next start, replay or doctor. */
const RECENT_US = 3_600_000_000;
/** Rest behind a recount: at least so long, and so many times as long as it took. */
const LEAST_REST_US = 5_000_000;
const COST_SHARE = 50;

export type GapRecountsParts = {
  /** What comes can be read once only; else there is one recount, at the end. */
  readonly isLive: boolean;
  readonly sink: Pick<Sink, 'recountGaps'>;
  /** Whose rows are recounted. */
  readonly instruments: Pick<Instruments, 'has'>;
  readonly batcher: Pick<Batcher, 'flush'>;
  readonly settlement: Pick<Settlement, 'epoch' | 'whenSettled'>;
  readonly clock: Clock;
  readonly log: RateLimitedLog;
  /** Aborted: no further recount but that of the end. */
  readonly signal: AbortSignal;
};

/**
 * When gap rows are held against the trades in the database: of a live pipeline when it has
 * recovered, and some time behind every commit of gap rows; of a replay when all of it is
 * committed. Nothing waits for a recount, and one that fails is told and left to the next.
 */
export class GapRecounts {
  readonly #parts: GapRecountsParts;
  #timer: Timer | undefined;
  /** Our clock, µs: when the timer strikes, and before when no recount begins. */
  #dueAt = Infinity;
  #restUntil = 0;
  /** Of `LOOKS_MS`. */
  #look = 0;
  #running: Promise<void> | undefined;

  constructor(parts: GapRecountsParts) {
    this.#parts = parts;
    parts.signal.addEventListener('abort', () => this.#timer?.cancel(), { once: true });
  }

  /** What an earlier run had received is read. */
  recovered(): void {
    const { isLive, batcher, settlement, signal } = this.#parts;
    if (!isLive) return;
    batcher.flush();
    this.#begin(settlement.whenSettled(settlement.epoch, signal));
  }

  /** Gap rows were committed. */
  told(): void {
    if (!this.#parts.isLive) return;
    this.#look = 0;
    this.#schedule();
  }

  /** Everything is committed. */
  async end(signal: AbortSignal): Promise<void> {
    if (!this.#parts.isLive && !signal.aborted) await this.#recount(0, signal);
  }

  /** Resolves when none is under way. */
  async finished(): Promise<void> {
    await this.#running;
  }

  #schedule(): void {
    const { clock, signal } = this.#parts;
    const delayMs = LOOKS_MS[this.#look];
    if (this.#running !== undefined || delayMs === undefined || signal.aborted) return;
    const now = clock.now();
    const dueAt = Math.max(now + delayMs * 1_000, this.#restUntil);
    if (dueAt >= this.#dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    this.#timer = clock.after((dueAt - now) / 1_000, () => this.#begin());
  }

  #begin(ready?: Promise<unknown>): void {
    const { signal, clock } = this.#parts;
    if (this.#running !== undefined || signal.aborted) return;
    this.#timer?.cancel();
    this.#dueAt = Infinity;
    this.#look += 1;
    const run = async (): Promise<void> => {
      await ready;
      const began = clock.now();
      const detectedFrom = ready === undefined ? Math.max(0, began - RECENT_US) : 0;
      if (!signal.aborted) await this.#recount(detectedFrom, signal);
      const now = clock.now();
      this.#restUntil = now + Math.max(LEAST_REST_US, (now - began) * COST_SHARE);
      this.#running = undefined;
      this.#schedule();
    };
    this.#running = run();
  }

  async #recount(detectedFrom: number, signal: AbortSignal): Promise<void> {
    const { sink, instruments, log } = this.#parts;
    try {
      const { narrowed, filled } = await sink.recountGaps(
        { isWanted: ({ venue, symbol }) => instruments.has(venue, symbol), detectedFrom },
        signal,
      );
      if (narrowed === 0) return;
      const fields = { rows: narrowed, filled };
      log.say('recounted', 'info', 'Gap rows recounted: trades of them are stored', fields);
    } catch (error) {
      if (signal.aborted) return;
      // The rows stay as they were told, and the next recount sees them again.
      const reason = error instanceof MdpError ? error.message : String(error);
      log.say('recount', 'warn', 'Gap rows could not be recounted', { reason });
    }
  }
}
