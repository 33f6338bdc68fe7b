import * as v from 'valibot';
import { receiveTime } from '../market/time.ts';
import type { Skip } from './encode.ts';
import { BODY_AT, headSeed, KIND, MAX_BODY, RECORD_HEAD } from './format.ts';
import { RecordCursor } from './record-cursor.ts';

/**
 * record, skip: read. short: it does not end within the bytes at hand. damaged: no intact record
 * begins here.
 */
export type Decoded = 'record' | 'skip' | 'short' | 'damaged';

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

  /** Reads what begins at `at` and must end before `end`; `place` is where it is in the journal. */
  read(at: number, end: number, place: number): Decoded {
    const { bytes, view } = this.cursor;
    if (at + RECORD_HEAD > end) return 'short';
    const length = view.getUint32(at + 4, true);
    if (length < RECORD_HEAD - BODY_AT || length > MAX_BODY) return 'damaged';
    const kind = bytes[at + BODY_AT] ?? 0;
    if (kind < KIND.ascii || kind > KIND.skip) return 'damaged';
    const ends = at + BODY_AT + length;
    if (ends > end) return 'short';
    this.cursor.stand(at);
    const { from, to, nameCrc } = this.cursor;
    if (from > to) return 'damaged';
    const seed = headSeed(bytes, view, at, place, nameCrc);
    const crc = Bun.hash.crc32(bytes.subarray(from, to), seed);
    if (crc !== view.getUint32(at, true)) return 'damaged';
    return this.#content(kind);
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
