import * as v from 'valibot';
import type { MarketRecord, SourceState } from '../market/record.ts';
import { receiveTime, type ReceiveTime } from '../market/time.ts';
import { BODY_AT, KIND, low32, MAX_BODY, RECORD_HEAD, viewOf } from './format.ts';
import type { Skip } from './encode.ts';

/**
 * record, skip: read. short: it does not end within the bytes at hand. damaged: no intact record
 * begins here.
 */
export type Decoded = 'record' | 'skip' | 'short' | 'damaged';

/** Every state there is: the compiler asks for a new one here. */
const STATES: Readonly<Record<SourceState, true>> = {
  started: true,
  connected: true,
  subscribed: true,
  refused: true,
  mute: true,
  lost: true,
  dropped: true,
  ended: true,
};

const isState = (value: unknown): value is SourceState =>
  typeof value === 'string' && Object.hasOwn(STATES, value);

const stateJson = v.object({
  state: v.custom<SourceState>(isState),
  symbols: v.array(v.string()),
  count: v.number(),
});

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
 * Reads one record at a time out of bytes, without an object a call: what was read stands in its
 * fields until the next.
 */
export class Decoder {
  /** Of the record or skip just read, with its head. */
  size = 0;
  /** Frames in the journal before it, modulo 2^32. */
  frames = 0;
  record: MarketRecord | undefined;
  skip: Skip | undefined;

  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = viewOf(this.#bytes);
  #name = '';
  #nameBytes: Buffer = Buffer.alloc(0);

  /** From now on reads these. */
  use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /**
   * Reads what begins at `at` and must end before `end`; `place` is where it stands in the journal.
   */
  read(at: number, end: number, place: number): Decoded {
    const found = this.#measure(at, end);
    if (found !== 'record') return found;
    const bytes = this.#bytes.subarray(at + 4, at + this.size);
    if (Bun.hash.crc32(bytes, low32(place)) !== this.#view.getUint32(at, true)) return 'damaged';
    this.frames = this.#view.getUint32(at + 22, true);
    return this.#content(at, at + this.size);
  }

  #measure(at: number, end: number): Decoded {
    if (at + RECORD_HEAD > end) return 'short';
    const length = this.#view.getUint32(at + 4, true);
    if (length < RECORD_HEAD - BODY_AT || length > MAX_BODY) return 'damaged';
    const kind = this.#bytes[at + BODY_AT] ?? 0;
    if (kind < KIND.ascii || kind > KIND.skip) return 'damaged';
    this.size = length + BODY_AT;
    return at + this.size > end ? 'short' : 'record';
  }

  #content(begin: number, end: number): Decoded {
    const kind = this.#bytes[begin + BODY_AT];
    const from = begin + RECORD_HEAD + (this.#bytes[begin + 9] ?? 0);
    if (kind === KIND.skip) return this.#readSkip(from, end);
    const source = this.#source(begin + RECORD_HEAD, from);
    const connection = this.#view.getUint32(begin + 10, true);
    const at = receiveTime(this.#view.getFloat64(begin + 14, true));
    if (kind === KIND.state) return this.#readState(source, connection, at, from, end);
    if (kind === KIND.tick) {
      const arrival = receiveTime(this.#view.getFloat64(from, true));
      this.record = { kind: 'tick', receiveTime: at, source, connection, arrival };
      return 'record';
    }
    const text = this.#text(kind, from, end);
    this.record = { kind: 'frame', receiveTime: at, source, connection, text };
    return 'record';
  }

  #text(kind: number | undefined, from: number, end: number): string {
    if (kind === KIND.ascii) return this.#bytes.latin1Slice(from, end);
    if (kind === KIND.utf8) return this.#bytes.utf8Slice(from, end);
    return this.#bytes.ucs2Slice(from, end);
  }

  /** Neighbours mostly share their source. */
  #source(from: number, end: number): string {
    const known = this.#nameBytes;
    const length = end - from;
    let same = known.length === length;
    for (let i = 0; same && i < length; i += 1) same = known[i] === this.#bytes[from + i];
    if (!same) {
      this.#nameBytes = Buffer.from(this.#bytes.subarray(from, end));
      this.#name = this.#nameBytes.utf8Slice();
    }
    return this.#name;
  }

  #readState(
    source: string,
    connection: number,
    at: ReceiveTime,
    from: number,
    end: number,
  ): Decoded {
    const state = v.safeParse(stateJson, this.#json(from, end));
    if (!state.success) return 'damaged';
    this.record = { kind: 'state', receiveTime: at, source, connection, ...state.output };
    return 'record';
  }

  #readSkip(from: number, end: number): Decoded {
    const skip = v.safeParse(skipJson, this.#json(from, end));
    if (!skip.success) return 'damaged';
    this.skip = skip.output;
    return 'skip';
  }

  #json(from: number, end: number): unknown {
    try {
      return JSON.parse(this.#bytes.utf8Slice(from, end));
    } catch {
      // Its CRC is right and its content is not: the reader counts it as damaged.
      return undefined;
    }
  }
}
