import { receiveTime, type ReceiveTime } from '../market/time.ts';
import type { Classified } from '../venues/venue.ts';

/**
 * Frames and bytes that wait at the most; at either limit they go on at once. So many are done
 * with one loop's instructions at hand: one by one, between two messages of a socket, they take a
 * twentieth more of the program's time.
 */
const MOST_FRAMES = 64;
const MOST_BYTES = 1024 * 1024;

export type FrameBatchParts = {
  /** Takes frames in, in order. */
  readonly take: (receiveTime: ReceiveTime, texts: readonly string[]) => void;
  readonly classify: (text: string) => Classified;
  readonly heed: (classified: Classified) => void;
};

/**
 * The frames that came with the same bytes on one connection, in batches: they are handed on, and
 * then what they mean for the connection is read.
 */
export class FrameBatch {
  readonly #parts: FrameBatchParts;
  #texts: string[] = [];
  #receiveTime = receiveTime(0);
  #bytes = 0;
  /** So many of those that wait were handed on. */
  #taken = 0;

  constructor(parts: FrameBatchParts) {
    this.#parts = parts;
  }

  /** `time`: the same for all until the next `flush`. */
  add(time: ReceiveTime, text: string, bytes: number): void {
    this.#receiveTime = time;
    this.#texts.push(text);
    this.#bytes += bytes;
    if (this.#texts.length >= MOST_FRAMES || this.#bytes >= MOST_BYTES) this.flush();
  }

  /** Hands on what waits: whatever else the connection tells comes behind its frames. */
  handOn(): void {
    const texts = this.#taken === 0 ? this.#texts : this.#texts.slice(this.#taken);
    if (texts.length > 0) this.#parts.take(this.#receiveTime, texts);
    this.#taken = this.#texts.length;
  }

  /** Hands on what waits, and reads what it means. */
  flush(): void {
    this.handOn();
    const { classify, heed } = this.#parts;
    const texts = this.#texts;
    this.#texts = [];
    this.#taken = 0;
    this.#bytes = 0;
    for (const text of texts) heed(classify(text));
  }
}
