import { receiveTime } from '../market/time.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { RandomWalk } from './random-walk.ts';
import type { SyntheticEntry } from './settings.ts';
import type { Intake, Source, SourcePhase, SourceReport } from './source.ts';
import { TIMING } from './timing.ts';
import { noTraffic, trafficOf } from './traffic.ts';

/** A burst this often, of at most so many slots: a catch-up leaves room for others. */
const BURST_MS = 10;
const BURST_SLOTS = 10_000;
/** After a stall what is older than this is left out, which shows as a hole in the ids. */
const CATCH_UP_US = 60_000_000;
/**
 * Slots are numbered in spans of 1,000 s, in which a rate to a thousandth gives a whole number of
 * them.
 */
const SPAN_US = 1_000_000_000;

export type SyntheticParts = {
  readonly name: string;
  readonly clock: Clock;
  readonly intake: Intake;
};

/**
 * A source without a network: `rate` trades a second in all, at evenly spaced exact event times
 * (rounded to the µs), over one connection that is always there. The same seed and start time give
 * the same frames.
 */
export const createSyntheticSource = (settings: SyntheticEntry, parts: SyntheticParts): Source =>
  new Synthetic(settings, parts);

class Synthetic implements Source {
  readonly name: string;
  readonly venue = 'synthetic';
  readonly #parts: SyntheticParts;
  readonly #symbols: readonly string[];
  readonly #slots: Slots;
  readonly #walk: RandomWalk;
  readonly #traffic = noTraffic();
  #timers: Timer[] = [];
  #phase: SourcePhase = 'idle';
  #since;

  constructor(settings: SyntheticEntry, parts: SyntheticParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#symbols = settings.symbols ?? numbered(settings.count);
    this.#slots = slotsOf(settings.rate);
    this.#walk = new RandomWalk(this.#symbols, settings);
    this.#since = receiveTime(parts.clock.now());
  }

  start(): void {
    const { clock, intake } = this.#parts;
    const now = receiveTime(clock.now());
    this.#enter('open');
    intake.state(now, 0, 'started');
    intake.state(now, 1, 'connected');
    intake.state(now, 1, 'subscribed', this.#symbols);
    let next = this.#slots.after(now);
    this.#timers = [
      clock.every(BURST_MS, () => {
        next = this.#burst(next);
      }),
      clock.every(TIMING.tickMs, () => {
        const at = receiveTime(clock.now());
        intake.tick(at, 1, at);
      }),
    ];
  }

  stop(): Promise<void> {
    if (this.#phase === 'open') {
      const { clock, intake } = this.#parts;
      for (const timer of this.#timers) timer.cancel();
      this.#enter('stopped');
      intake.state(receiveTime(clock.now()), 1, 'lost');
      intake.state(receiveTime(clock.now()), 0, 'ended');
    }
    return Promise.resolve();
  }

  report(): SourceReport {
    const open = this.#phase === 'open';
    const state = open ? ('subscribed' as const) : ('pending' as const);
    return {
      name: this.name,
      venue: this.venue,
      phase: this.#phase,
      since: this.#since,
      reason: undefined,
      ...trafficOf(this.#traffic),
      connectionsOpen: open ? 1 : 0,
      connects: this.#phase === 'idle' ? 0 : 1,
      disconnects: 0,
      reconnects: 0,
      mutes: 0,
      symbols: this.#symbols.map((symbol) => ({ symbol, state, reason: undefined })),
      progress: undefined,
    };
  }

  /** Hands on what is due, from slot `first`; returns the first slot that is not. */
  #burst(first: number): number {
    const { clock, intake } = this.#parts;
    const now = receiveTime(clock.now());
    let slot = Math.max(first, this.#slots.after(now - CATCH_UP_US));
    const end = slot + BURST_SLOTS;
    for (; slot < end && !intake.full; slot += 1) {
      const time = this.#slots.timeOf(slot);
      if (time > now) break;
      for (const text of this.#walk.frames(slot, time)) {
        this.#traffic.frames += 1;
        this.#traffic.bytes += text.length;
        this.#traffic.lastFrameAt = now;
        intake.frame(now, 1, text);
      }
    }
    return slot;
  }

  #enter(phase: SourcePhase): void {
    this.#phase = phase;
    this.#since = receiveTime(this.#parts.clock.now());
  }
}

type Slots = {
  /** The event time of a slot, in µs since the epoch. */
  timeOf(slot: number): number;
  /** The first slot whose time is at or after `micros`. */
  after(micros: number): number;
};

/** Time cut into `rate` slots a second since the epoch, the rate rounded to a thousandth. */
const slotsOf = (rate: number): Slots => {
  const perSpan = Math.max(1, Math.round(rate * 1000));
  const timeOf = (slot: number): number => {
    const span = Math.floor(slot / perSpan);
    return span * SPAN_US + Math.round(((slot - span * perSpan) / perSpan) * SPAN_US);
  };
  const after = (micros: number): number => {
    const span = Math.floor(micros / SPAN_US);
    let slot = span * perSpan + Math.floor(((micros - span * SPAN_US) / SPAN_US) * perSpan);
    while (timeOf(slot) < micros) slot += 1;
    return slot;
  };
  return { timeOf, after };
};

const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `SYN-${String(at + 1).padStart(3, '0')}`);
