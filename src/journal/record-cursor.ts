import * as v from 'valibot';
import type { Frame } from '../market/frame.ts';
import type { MarketRecord, SourceState, StateRecord } from '../market/record.ts';
import { receiveTime, type ReceiveTime } from '../market/time.ts';
import {
  BODY_AT,
  FOLLOWED,
  framesBefore,
  KIND,
  KIND_BITS,
  RECORD_HEAD,
  recordSize,
  viewOf,
} from './format.ts';

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

/**
 * Stands on one record at a time in bytes of the journal's form and reads it there, without an
 * object a record. Whoever moves it vouches that a whole record begins at the place. As a `Frame`
 * it is the text of the frame record on which it stands.
 */
export class RecordCursor implements Frame {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = viewOf(this.bytes);
  /** Where the record begins and what it takes, its head included. */
  at = 0;
  size = 0;
  kind = 0;
  /** Its payload. */
  from = 0;
  to = 0;
  /** The name read last, and its bytes: neighbours mostly share their source. */
  #name = '';
  #nameBytes: Buffer = Buffer.alloc(0);
  #nameCrc = 0;

  /** From now on reads these; `view` is over all of `bytes`. */
  use(bytes: Buffer, view: DataView): void {
    this.bytes = bytes;
    this.view = view;
  }

  stand(at: number): void {
    this.at = at;
    this.size = recordSize(this.view, at);
    this.kind = (this.bytes[at + BODY_AT] ?? 0) & KIND_BITS;
    this.from = at + RECORD_HEAD + (this.bytes[at + 9] ?? 0);
    this.to = at + this.size;
  }

  /** Whether the next record is of the same group. */
  get isFollowed(): boolean {
    return ((this.bytes[this.at + BODY_AT] ?? 0) & FOLLOWED) !== 0;
  }

  get isFrame(): boolean {
    return this.kind <= KIND.utf16;
  }

  /** Whether the bytes of the frame are its text in UTF-8: all but what is no Unicode. */
  get isUtf8(): boolean {
    return this.kind <= KIND.utf8;
  }

  get receiveTime(): ReceiveTime {
    return receiveTime(this.view.getFloat64(this.at + 14, true));
  }

  get connection(): number {
    return this.view.getUint32(this.at + 10, true);
  }

  /** The same string for as long as the source stays the same. */
  get source(): string {
    this.#readName();
    return this.#name;
  }

  /** CRC-32 of the source's name. */
  get nameCrc(): number {
    this.#readName();
    return this.#nameCrc;
  }

  /** Frames in the journal before it, modulo 2^32. */
  get framesBefore(): number {
    return framesBefore(this.view, this.at);
  }

  /** The text of a frame. */
  text(): string {
    if (this.kind === KIND.ascii) return this.bytes.latin1Slice(this.from, this.to);
    if (this.kind === KIND.utf8) return this.bytes.utf8Slice(this.from, this.to);
    return this.bytes.ucs2Slice(this.from, this.to);
  }

  /** The record as an object; undefined where its state is not one that this program knows. */
  record(): MarketRecord | undefined {
    const head = {
      receiveTime: this.receiveTime,
      source: this.source,
      connection: this.connection,
    };
    if (this.isFrame) return { kind: 'frame', ...head, text: this.text() };
    if (this.kind !== KIND.tick) return this.#state(head);
    return { kind: 'tick', ...head, arrival: this.arrival };
  }

  /** Of a tick. */
  get arrival(): ReceiveTime {
    return receiveTime(this.view.getFloat64(this.from, true));
  }

  /** The payload of a state or skip; undefined where it is no JSON. */
  json(): unknown {
    try {
      return JSON.parse(this.bytes.utf8Slice(this.from, this.to));
    } catch {
      // Its CRC is right and its content is not: the reader counts it as damaged.
      return undefined;
    }
  }

  #readName(): void {
    const { bytes, from } = this;
    const known = this.#nameBytes;
    const begin = this.at + RECORD_HEAD;
    const length = from - begin;
    let same = known.length === length;
    for (let i = 0; same && i < length; i += 1) same = known[i] === bytes[begin + i];
    if (same) return;
    this.#nameBytes = Buffer.from(bytes.subarray(begin, from));
    this.#name = this.#nameBytes.utf8Slice();
    this.#nameCrc = Bun.hash.crc32(this.#nameBytes);
  }

  #state(
    head: Pick<StateRecord, 'receiveTime' | 'source' | 'connection'>,
  ): StateRecord | undefined {
    const state = v.safeParse(stateJson, this.json());
    return state.success ? { kind: 'state', ...head, ...state.output } : undefined;
  }
}
