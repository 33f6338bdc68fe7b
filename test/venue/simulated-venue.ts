import type { Timer } from '../../src/runtime/clock.ts';
import type { OpenSocket, SocketEvents, SocketFailure } from '../../src/sources/socket.ts';
import type { HandClock } from './hand-clock.ts';
import { readRequest } from './plain-venue.ts';

/** What happens to a connection. All in ms; `undefined` = never. */
export type Fate = {
  /** Refused with this failure instead of opened. */
  readonly refused?: SocketFailure;
  readonly dropAfterMs?: number;
  readonly dataEveryMs?: number;
};

export type SimulatedVenue = {
  readonly openSocket: OpenSocket;
  /** When each connection was tried, in ms of the clock. */
  readonly dialledAt: readonly number[];
  readonly open: () => number;
};

const LATENCY_MS = 5;

/**
 * The plain venue without a socket or a machine's time: everything happens on the clock that a test
 * holds.
 */
export const simulateVenue = (clock: HandClock, fateOf: (dial: number) => Fate): SimulatedVenue => {
  const dialledAt: number[] = [];
  let open = 0;
  const openSocket: OpenSocket = (_url, _options, events) => {
    const fate = fateOf(dialledAt.length);
    dialledAt.push(clock.now() / 1000);
    const connection = new Simulated(clock, events, fate, (by) => {
      open += by;
    });
    return connection;
  };
  return { openSocket, dialledAt, open: () => open };
};

class Simulated {
  readonly #clock: HandClock;
  readonly #events: SocketEvents;
  readonly #count: (by: number) => void;
  readonly #timers = new Set<Timer>();
  #isOpen = false;
  #isGone = false;

  constructor(clock: HandClock, events: SocketEvents, fate: Fate, count: (by: number) => void) {
    this.#clock = clock;
    this.#events = events;
    this.#count = count;
    this.#later(LATENCY_MS, () => {
      if (fate.refused === undefined) this.#open(fate);
      else this.#fail(fate.refused);
    });
  }

  send(text: string): void {
    const { id } = readRequest(text);
    this.#later(LATENCY_MS, () => this.#tell(JSON.stringify({ ack: id })));
  }

  ping(payload = ''): void {
    this.#later(LATENCY_MS, () => {
      this.#events.received();
      this.#events.ponged(payload);
      this.#events.told();
    });
  }

  pong(): void {}
  pause(): void {}
  resume(): void {}

  close(): void {
    this.#later(LATENCY_MS, () => this.#end(1000));
  }

  terminate(): void {
    this.#end(1006);
  }

  #open({ dropAfterMs, dataEveryMs }: Fate): void {
    this.#isOpen = true;
    this.#count(1);
    this.#events.opened();
    if (dropAfterMs !== undefined) this.#later(dropAfterMs, () => this.#end(1006));
    if (dataEveryMs !== undefined) {
      this.#timers.add(this.#clock.every(dataEveryMs, () => this.#tell('{"d":1}')));
    }
  }

  #tell(text: string): void {
    this.#events.received();
    this.#events.message(text, Buffer.byteLength(text));
    this.#events.told();
  }

  #fail(failure: SocketFailure): void {
    this.#events.failed(failure);
    this.#end(1006);
  }

  #end(code: number): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const timer of this.#timers) timer.cancel();
    if (this.#isOpen) this.#count(-1);
    this.#events.closed(code, '');
  }

  #later(ms: number, call: () => void): void {
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(timer);
      if (!this.#isGone) call();
    });
    this.#timers.add(timer);
  }
}
