import type { Clock, Timer } from '../../src/runtime/clock.ts';
import type { Socket, SocketEvents, SocketFailure } from '../../src/sources/socket.ts';
import type { Stream } from './dialects/dialect.ts';
import type { FaultCount, FaultKind } from './faults.ts';
import type { TrueQuote, TrueTrade } from './market.ts';
import type { Chance } from './random.ts';

/** A frame and what of the market can be read in it: nothing in one that is damaged. */
export type Parcel = {
  readonly text: string;
  readonly trades: readonly TrueTrade[];
  readonly quotes: readonly TrueQuote[];
};

/** Probabilities, per frame of data. */
export type FrameFaults = {
  readonly lost: number;
  readonly twice: number;
  readonly outOfOrder: number;
  readonly cutShort: number;
  readonly unknown: number;
  readonly badRow: number;
  readonly empty: number;
  readonly oversized: number;
  readonly late: number;
};

export const NO_FRAME_FAULTS: FrameFaults = {
  lost: 0,
  twice: 0,
  outOfOrder: 0,
  cutShort: 0,
  unknown: 0,
  badRow: 0,
  empty: 0,
  oversized: 0,
  late: 0,
};

export type PeerParts = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: FaultCount;
  readonly frameFaults: FrameFaults;
  readonly latencyMs: readonly [least: number, most: number];
  /** Larger than the client takes. */
  readonly oversizedBytes: number;
  /** What the client was given, the moment it was. */
  readonly onDelivered: (parcel: Parcel) => void;
  readonly onRequest: (peer: Peer, text: string) => void;
  readonly onGone: (peer: Peer) => void;
};

/** A second copy, and a frame that others overtake, come at most so much later. */
const COPY_WITHIN_MS = 2000;
const OVERTAKEN_BY_MS = 300;
const LATE_BY_MS = [200, 5000] as const;

type InFlight = { readonly at: number; readonly arrive: () => void };

/**
 * Both ends of one simulated connection: the client's `Socket`, and what the venue sends on it,
 * faults included.
 */
export class Peer implements Socket {
  /** Subscribed streams, as `trades BTCUSDT`. */
  readonly streams = new Set<string>();
  /** When the venue took the last request, in µs. */
  subscribedAt = Infinity;
  /** Sends no data any more, but is alive. */
  mute = false;
  /** No data of this kind, while the others go on. */
  muteStream: Stream | undefined;
  /** Neither sends nor answers anything any more. */
  dead = false;
  readonly #parts: PeerParts;
  readonly #events: SocketEvents;
  readonly #timers = new Set<Timer>();
  /** By arrival. */
  readonly #inFlight: InFlight[] = [];
  #state: 'dialling' | 'open' | 'leaving' | 'gone' = 'dialling';
  #paused = false;
  #lastAt = 0;
  #wakeAt = Infinity;

  constructor(parts: PeerParts, events: SocketEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  // The client's side.

  send(text: string): void {
    this.later(this.#latency(), () => {
      if (this.isOpen && !this.dead) this.#parts.onRequest(this, text);
    });
  }

  ping(payload = ''): void {
    if (this.dead) return;
    this.#arriveIn(2 * this.#latency(), () => {
      this.#events.received();
      this.#events.ponged(payload);
      this.#events.told();
    });
  }

  pong(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.later(0, () => this.#arriveDue());
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    if (!this.dead) this.later(this.#latency(), () => this.#end(1000));
  }

  terminate(): void {
    if (this.#state === 'gone') return;
    this.#state = 'leaving';
    this.later(0, () => this.#end(1006));
  }

  // The venue's side.

  accept(): void {
    if (this.#state !== 'dialling') return;
    this.#state = 'open';
    this.#events.opened();
  }

  /**
   * Ends a dial, or all there is of a connection, without another word: what is in flight is lost.
   */
  cut(failure?: SocketFailure): void {
    if (this.#state === 'gone') return;
    if (failure !== undefined) this.#events.failed(failure);
    this.#end(1006);
  }

  /** Closes in order, behind what is in flight. */
  closeAs(code: number): void {
    this.#arriveIn(this.#latency(), () => this.#end(code));
  }

  /** The venue's own ping. */
  alive(): void {
    if (!this.isOpen || this.dead) return;
    this.#arriveIn(this.#latency(), () => {
      this.#events.received();
      this.#events.pinged();
      this.#events.told();
    });
  }

  /** A frame that no fault touches: acknowledgements, heartbeats, snapshots. */
  tell(parcel: Parcel): void {
    if (this.isOpen && !this.dead) {
      this.#arriveIn(this.#latency(), () => this.#deliver(parcel));
    }
  }

  /** A frame of data; `broken` is the same with a row that cannot be read. */
  publish(parcel: Parcel, broken: () => string): void {
    if (!this.isOpen || this.dead || this.mute) return;
    const { frameFaults: faults } = this.#parts;
    if (this.#strikes(faults.lost, 'frame_lost')) return;
    if (this.#strikes(faults.cutShort, 'frame_cut_short')) {
      const length = this.#parts.chance.integer(1, parcel.text.length - 1);
      this.tell(unreadable(parcel.text.slice(0, length)));
    } else if (this.#strikes(faults.badRow, 'frame_bad_row')) {
      this.tell(unreadable(broken()));
    } else {
      this.#publishSound(parcel);
    }
    if (this.#strikes(faults.unknown, 'frame_unknown')) {
      this.tell(unreadable('{"event":"news","e":"news","type":"news","channel":"news"}'));
    }
    if (this.#strikes(faults.empty, 'frame_empty')) this.tell(unreadable(''));
    if (this.#strikes(faults.oversized, 'frame_oversized')) {
      this.tell(unreadable(' '.repeat(this.#parts.oversizedBytes)));
    }
  }

  /** Calls after `ms`, unless the connection is gone by then. */
  later(ms: number, call: () => void): void {
    const timer = this.#parts.clock.after(ms, () => {
      this.#timers.delete(timer);
      call();
    });
    this.#timers.add(timer);
  }

  #publishSound(parcel: Parcel): void {
    const { frameFaults: faults, chance } = this.#parts;
    const extra = this.#strikes(faults.late, 'frame_late') ? chance.between(...LATE_BY_MS) : 0;
    const deliver = (): void => this.#deliver(parcel);
    if (this.#strikes(faults.outOfOrder, 'frame_out_of_order')) {
      this.#overtakenIn(chance.between(1, OVERTAKEN_BY_MS), deliver);
    } else {
      this.#arriveIn(this.#latency() + extra, deliver);
    }
    if (this.#strikes(faults.twice, 'frame_twice')) {
      this.#overtakenIn(chance.between(1, COPY_WITHIN_MS), deliver);
    }
  }

  #strikes(probability: number, kind: FaultKind): boolean {
    if (probability === 0 || !this.#parts.chance.happens(probability)) return false;
    this.#parts.faults.fired(kind);
    return true;
  }

  #latency(): number {
    return this.#parts.chance.between(...this.#parts.latencyMs);
  }

  /** In the order of sending, as TCP has it: what is late holds up all behind it. */
  #arriveIn(ms: number, arrive: () => void): void {
    this.#lastAt = Math.max(this.#lastAt, this.#parts.clock.now() + Math.round(ms * 1000));
    this.#add({ at: this.#lastAt, arrive });
  }

  #overtakenIn(ms: number, arrive: () => void): void {
    this.#add({ at: this.#parts.clock.now() + Math.round(ms * 1000), arrive });
  }

  #add(flight: InFlight): void {
    let at = this.#inFlight.length;
    while (at > 0 && (this.#inFlight[at - 1]?.at ?? 0) > flight.at) at -= 1;
    this.#inFlight.splice(at, 0, flight);
    if (at === 0) this.#wake();
  }

  #wake(): void {
    const first = this.#inFlight[0];
    if (first === undefined || first.at >= this.#wakeAt) return;
    this.#wakeAt = first.at;
    this.later(Math.max(0, first.at - this.#parts.clock.now()) / 1000, () => {
      this.#wakeAt = Infinity;
      this.#arriveDue();
    });
  }

  #arriveDue(): void {
    const now = this.#parts.clock.now();
    while (!this.#paused && (this.#inFlight[0]?.at ?? Infinity) <= now) {
      this.#inFlight.shift()?.arrive();
    }
    if (!this.#paused) this.#wake();
  }

  #deliver(parcel: Parcel): void {
    if (this.#state !== 'open') return;
    this.#parts.onDelivered(parcel);
    const bytes = Buffer.byteLength(parcel.text);
    if (bytes < this.#parts.oversizedBytes) {
      this.#events.received();
      this.#events.message(parcel.text, bytes);
      this.#events.told();
    } else {
      this.cut({ message: 'a frame larger than the client takes', oversized: true });
    }
  }

  #end(code: number): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#inFlight.length = 0;
    this.#parts.onGone(this);
    this.#events.closed(code, '');
  }
}

const unreadable = (text: string): Parcel => ({ text, trades: [], quotes: [] });
