/**
 * How long something has not been heard, counted in ticks, of which each counts once: a stalled
 * process finds its frames waiting in the socket, and must not take the time that it slept itself
 * for a silence of the venue.
 */
export class Silence {
  #broken = false;
  #ms = 0;

  /** Length so far, in ms. */
  get ms(): number {
    return this.#ms;
  }

  break(): void {
    this.#broken = true;
  }

  tick(tickMs: number): void {
    this.#ms = this.#broken ? 0 : this.#ms + tickMs;
    this.#broken = false;
  }
}
