import type { Classified } from '../venues/venue.ts';

/** Frames and bytes that wait at the most; at either limit they are classified at once. */
const MOST_FRAMES = 256;
const MOST_BYTES = 1024 * 1024;

export type ClassifyingParts = {
  readonly classify: (text: string) => Classified;
  /** Calls when the socket has nothing more to hand over, unless the connection ends before. */
  readonly soon: (call: () => void) => void;
  readonly heed: (classified: Classified) => void;
};

/**
 * What frames mean for their connection, read in blocks, a moment after they came: the socket's
 * callback stays short.
 */
export class Classifying {
  readonly #parts: ClassifyingParts;
  #waiting: string[] = [];
  #bytes = 0;

  constructor(parts: ClassifyingParts) {
    this.#parts = parts;
  }

  add(text: string, bytes: number): void {
    this.#waiting.push(text);
    this.#bytes += bytes;
    if (this.#waiting.length >= MOST_FRAMES || this.#bytes >= MOST_BYTES) {
      this.flush();
    } else if (this.#waiting.length === 1) {
      this.#parts.soon(() => this.flush());
    }
  }

  /** Classifies what waits, now. */
  flush(): void {
    const frames = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const text of frames) this.#parts.heed(this.#parts.classify(text));
  }
}
