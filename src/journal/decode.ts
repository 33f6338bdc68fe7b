import * as v from 'valibot';
import { receiveTime } from '../market/time.ts';
import type { Skip } from './encode.ts';
import {
  BODY_AT,
  FOLLOWED,
  groupCrc,
  headSeed,
  KIND,
  KIND_BITS,
  MAX_BODY,
  RECORD_HEAD,
} from './format.ts';
import { RecordCursor } from './record-cursor.ts';

/**
 * record, skip: read. short: it does not end within the bytes at hand. damaged: no intact record
 * begins here.
 */
export type Decoded = 'record' | 'skip' | 'short' | 'damaged';

type Covered = { readonly from: number; readonly to: number; readonly bytes: Buffer | undefined };

const skipJson = v.object({
  position: v.number(),
  span: v.number(),
  dropped: v.array(
    v.object({
      source: v.string(),
      connection: v.number(),
      receiveTime: v.pipe(v.number(), v.transform(receiveTime)),
      count: v.number(),
    }),
  ),
});

/**
 * Checks one record at a time in bytes that came from a disk. Behind `record` and `skip` its cursor
 * stands on what was read.
 */
export class Decoder {
  readonly cursor = new RecordCursor();
  skip: Skip | undefined;
  /** Places of the group whose CRC was found to be right last, and the bytes that it lies in. */
  #covered: Covered = { from: 0, to: 0, bytes: undefined };

  /** Reads what begins at `at` and must end before `end`; `place` is where it is in the journal. */
  read(at: number, end: number, place: number): Decoded {
    const form = this.#form(at, end);
    if (form !== 'record') return form;
    const { bytes, view } = this.cursor;
    this.cursor.stand(at);
    if (this.cursor.isFollowed) return this.#readFollowed(at, end, place);
    const { from, to, kind } = this.cursor;
    if (!this.#isCovered(bytes, place)) {
      const crc = groupCrc(bytes, at, at, from, to, this.#seed(place));
      if (crc !== view.getUint32(at, true)) return 'damaged';
    }
    return this.#content(kind);
  }

  /** Whether what begins at `at` may be a whole record, by its head. */
  #form(at: number, end: number): 'record' | 'short' | 'damaged' {
    const { bytes, view } = this.cursor;
    if (at + RECORD_HEAD > end) return 'short';
    const length = view.getUint32(at + 4, true);
    if (length < RECORD_HEAD - BODY_AT || length > MAX_BODY) return 'damaged';
    const kind = (bytes[at + BODY_AT] ?? 0) & KIND_BITS;
    const isFollowed = ((bytes[at + BODY_AT] ?? 0) & FOLLOWED) !== 0;
    if (kind < KIND.ascii || kind > (isFollowed ? KIND.utf16 : KIND.skip)) return 'damaged';
    if (at + BODY_AT + length > end) return 'short';
    return RECORD_HEAD + (bytes[at + 9] ?? 0) > BODY_AT + length ? 'damaged' : 'record';
  }

  /** The seed of the record on which the cursor stands. */
  #seed(place: number): number {
    const { bytes, view, at, nameCrc } = this.cursor;
    return headSeed(bytes, view, at, place, nameCrc);
  }

  #readFollowed(at: number, end: number, place: number): Decoded {
    const { bytes, view } = this.cursor;
    if (this.#seed(place) !== view.getUint32(at, true)) return 'damaged';
    if (this.#isCovered(bytes, place)) return 'record';
    const covered = this.#cover(at, end, place);
    this.cursor.stand(at);
    return covered;
  }

  #isCovered(bytes: Buffer, place: number): boolean {
    const { from, to, bytes: theirs } = this.#covered;
    return place >= from && place < to && bytes === theirs;
  }

  /** Checks the CRC of the group that begins at `at`. */
  #cover(at: number, end: number, place: number): 'record' | 'short' | 'damaged' {
    const { cursor } = this;
    let last = at;
    while (cursor.isFollowed) {
      last += cursor.size;
      const form = this.#form(last, end);
      if (form !== 'record') return form;
      cursor.stand(last);
      if (!cursor.isFrame) return 'damaged';
    }
    const { bytes, view, from, to } = cursor;
    const crc = groupCrc(bytes, at, last, from, to, this.#seed(place + last - at));
    if (crc !== view.getUint32(last, true)) return 'damaged';
    this.#covered = { from: place, to: place + to - at, bytes };
    return 'record';
  }

  #content(kind: number): Decoded {
    if (kind === KIND.skip) return this.#readSkip();
    if (kind !== KIND.state) return 'record';
    return this.cursor.record() === undefined ? 'damaged' : 'record';
  }

  #readSkip(): Decoded {
    const skip = v.safeParse(skipJson, this.cursor.json());
    if (!skip.success) return 'damaged';
    this.skip = skip.output;
    return 'skip';
  }
}
