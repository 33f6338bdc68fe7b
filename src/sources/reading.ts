import type { Clock } from '../runtime/clock.ts';
import type { Socket } from './socket.ts';
import type { Intake } from './source.ts';
import type { Timing } from './timing.ts';
import type { Traffic } from './traffic.ts';

export type ReadingParts = {
  readonly clock: Clock;
  readonly intake: Intake;
  readonly timing: Timing;
  readonly traffic: Traffic;
};

/**
 * The reading of one socket, which pauses while the intake is full: the venue's bytes then wait in
 * the socket, and nothing is lost. Each pause is at most `pauseMs`, and says that we live: a venue
 * drops a client that answers nothing.
 */
export class Reading {
  readonly #parts: ReadingParts;
  #pause: AbortController | undefined;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  get isPaused(): boolean {
    return this.#pause !== undefined;
  }

  /** Pauses until the intake has room, where it has none. */
  pauseWhenFull(socket: Socket): void {
    const { clock, intake, timing, traffic } = this.#parts;
    if (!intake.full || this.isPaused) return;
    const pause = new AbortController();
    const began = clock.now();
    this.#pause = pause;
    socket.pause();
    const pong = clock.every(timing.pausedPongMs, () => socket.pong());
    const cap = clock.after(timing.pauseMs, () => pause.abort());
    void intake.room(pause.signal).then(() => {
      pong.cancel();
      cap.cancel();
      traffic.pausedMicros += clock.now() - began;
      if (this.#pause === pause) this.end(socket);
    });
  }

  /**
   * Ends a pause. Needed before closing: a paused socket would neither see the answer nor be given
   * back.
   */
  end(socket: Socket): void {
    const pause = this.#pause;
    this.#pause = undefined;
    pause?.abort();
    if (pause !== undefined) socket.resume();
  }
}
