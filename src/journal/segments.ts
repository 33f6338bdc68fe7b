import { segmentName } from './format.ts';
import type { Position } from './record-buffer.ts';

/** One file of the journal, as the running program knows it. */
export type Segment = {
  readonly sequence: number;
  readonly start: Position;
  /** Frames in the journal before it. */
  readonly frames: number;
  /** When it was begun and when it was last written, our clock, µs. */
  readonly created: number;
  writtenAt: number;
  /** Behind its last record; grows while it is written. */
  end: Position;
  /** Of the file. */
  bytes: number;
  sealed: boolean;
  /** Its frames were given up: ticks, states, and what tells of the frames remain. */
  condensed: boolean;
  /** By this process. */
  givenUp: boolean;
  /** Compressed as a whole. */
  packed: boolean;
  /** Resolves when the file is no longer being replaced. */
  busy: Promise<void> | undefined;
};

export const fileName = (segment: Segment): string => segmentName(segment);

/** The files of the journal in the order in which they are read. */
export class Segments {
  #all: readonly Segment[];
  #sequence: number;

  constructor(all: readonly Segment[]) {
    this.#all = all;
    this.#sequence = all.at(-1)?.sequence ?? 0;
  }

  get all(): readonly Segment[] {
    return this.#all;
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  add(segment: Segment): void {
    this.#all = [...this.#all, segment];
  }

  remove(segment: Segment): void {
    this.#all = this.#all.filter((one) => one !== segment);
  }

  /** The first one with something at `position` or behind it. */
  from(position: Position): Segment | undefined {
    return this.#all.find(({ end }) => end > position);
  }

  get bytes(): number {
    return this.#all.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
