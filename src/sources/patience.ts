import type { Channel } from '../venues/venue.ts';

/** What can be mute: the whole connection, or one channel while others flow. */
export type MuteSubject = 'connection' | Channel;

const MOST = 2 ** 20;

/**
 * How much longer than the settings say a silence is borne: twice as long after each replacement
 * that was no help, so that a thin market does not make a storm of reconnects. Belongs to a line,
 * and outlives its connections.
 */
export class Patience {
  readonly #factors = new Map<MuteSubject, number>();
  readonly #longestMs: number;

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** `ms` made longer, up to the cap where it is not above it already. */
  stretch(subject: MuteSubject, ms: number): number {
    return Math.min(ms * (this.#factors.get(subject) ?? 1), Math.max(ms, this.#longestMs));
  }

  lengthen(subject: MuteSubject): void {
    this.#factors.set(subject, Math.min((this.#factors.get(subject) ?? 1) * 2, MOST));
  }

  restore(subject: MuteSubject): void {
    this.#factors.delete(subject);
  }
}
