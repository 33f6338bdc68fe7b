import type { Subscription } from './subscription.ts';

export type AskingParts = {
  readonly subscription: Subscription;
  /** The venue's limit. One send a second below it is left for pings. */
  readonly maxSendsPerSecond: number;
  /** The venue's time to answer the last frame. */
  readonly confirmMs: number;
  readonly send: (text: string) => void;
  /** Calls after so long, unless the connection ends before. */
  readonly later: (ms: number, call: () => void) => void;
  /** Every frame was answered, or given up. */
  readonly settled: () => void;
};

/** Sends the frames of a subscription at the venue's pace, and waits for the answers. */
export class Asking {
  readonly #parts: AskingParts;
  #isAsking = false;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /** Call once, when the connection is open. */
  begin(): void {
    this.#next();
  }

  /** Asks for what came to the subscription meanwhile. */
  goOn(): void {
    if (!this.#isAsking && this.#parts.subscription.hasUnsent) this.#next();
  }

  #next(): void {
    const { subscription, maxSendsPerSecond, confirmMs, send, later, settled } = this.#parts;
    const frame = subscription.next();
    this.#isAsking = frame !== undefined;
    if (frame !== undefined) {
      send(frame.text);
      later(1000 / Math.max(1, maxSendsPerSecond - 1), () => this.#next());
    } else if (subscription.settled) {
      settled();
    } else {
      later(confirmMs, () => {
        if (subscription.settled) return;
        subscription.giveUpWaiting();
        if (subscription.settled) settled();
      });
    }
  }
}
