import { isAscii } from 'node:buffer';
import { CLOSE, headerAt, isCloseCode, OPCODE, type Header } from './frame.ts';

/** What a server has said; nothing more is told behind `closed` and `broken`. */
export interface MessageEvents {
  /** A message of text, and how many bytes it had. */
  text(text: string, bytes: number): void;
  /** A message in a binary frame. */
  binary(bytes: Buffer): void;
  pinged(payload: Buffer): void;
  ponged(payload: Buffer): void;
  /** 1005: a close frame without a code. */
  closed(code: number, reason: string): void;
  /** The bytes break RFC 6455 or our bound: `code` is what the server should be told. */
  broken(code: number, message: string): void;
}

const HEADER_BYTES = 2;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Reads what a server sends over a WebSocket (RFC 6455, no extension) from its bytes, in whatever
 * pieces they come. May be held between two messages: what comes meanwhile is kept, so whoever
 * holds it stops the socket too.
 *
 * The load is whole text frames one behind the other, hundreds in a piece: they are found first,
 * tested for ASCII all at once, and then told. With that, and without an event object for each, a
 * message costs a quarter of what Bun's own client takes (measured: 0.23 against 0.8 µs).
 */
export class MessageReader {
  readonly #events: MessageEvents;
  readonly #maxBytes: number;
  /** Refuses what is no UTF-8, and leaves a byte order mark where it stands. */
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #isHeld = false;
  #isOver = false;

  /** Read up to `#at`; behind it lie `#later`. */
  #bytes = EMPTY;
  #at = 0;
  #later: Buffer[] = [];
  #laterBytes = 0;
  /** So many bytes are needed from `#at` on to go on. */
  #needed = HEADER_BYTES;

  /** Text frames found and not told, up to `#at`: where their payloads begin and end. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #next = 0;
  #areAscii = false;

  /** The beginning of a message in fragments, and what it is; 0 = there is none. */
  #opcode = 0;
  #fragments = EMPTY;
  #fragmentBytes = 0;

  /** A message of more than `maxBytes` is cut off unread. */
  constructor(maxBytes: number, events: MessageEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Reads what came; `bytes` are the reader's from now on. */
  take(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#later.push(bytes);
    this.#laterBytes += bytes.length;
    this.#read();
  }

  /** Tells nothing more, from the next message on. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Goes on, at once, with what was kept. */
  goOn(): void {
    this.#isHeld = false;
    this.#read();
  }

  /** Tells nothing more, ever. */
  stop(): void {
    this.#isOver = true;
  }

  get #isReading(): boolean {
    return !this.#isHeld && !this.#isOver;
  }

  #read(): void {
    this.#tellTexts();
    while (this.#isReading && this.#fill()) {
      this.#findTexts();
      if (this.#from.length > 0) this.#tellTexts();
      else this.#readFrame();
    }
  }

  /**
   * Whether there are as many bytes as are needed. Of the piece in which a frame ends only its end
   * is joined to its beginning: what is behind it is read where it lies.
   */
  #fill(): boolean {
    const left = this.#bytes.length - this.#at;
    if (left >= this.#needed) return true;
    if (left + this.#laterBytes < this.#needed) {
      this.#letGo(left);
      return false;
    }
    const [first = EMPTY] = this.#later;
    if (left === 0 && first.length >= this.#needed) {
      this.#later.shift();
      this.#bytes = first;
      this.#laterBytes -= first.length;
    } else {
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#takeNeeded(left)]);
    }
    this.#at = 0;
    return true;
  }

  /** What is needed beyond the `left` bytes, from the front of `#later`, which has it. */
  #takeNeeded(left: number): readonly Buffer[] {
    let lacks = this.#needed - left;
    this.#laterBytes -= lacks;
    const whole = this.#later.findIndex(({ length }) => {
      if (length > lacks) return true;
      lacks -= length;
      return false;
    });
    const taken = this.#later.splice(0, whole < 0 ? this.#later.length : whole);
    const [next] = this.#later;
    if (next === undefined || lacks === 0) return taken;
    this.#later[0] = next.subarray(lacks);
    return [...taken, next.subarray(0, lacks)];
  }

  /** The rest of a piece that was read is copied, so that it does not keep the piece. */
  #letGo(left: number): void {
    if (this.#at === 0) return;
    this.#bytes = left === 0 ? EMPTY : Buffer.from(this.#bytes.subarray(this.#at));
    this.#at = 0;
  }

  /**
   * Finds the whole text frames at `#at`. Their headers are blanked behind us: what is left is
   * ASCII where all texts are.
   */
  #findTexts(): void {
    if (this.#opcode !== 0) return;
    const bytes = this.#bytes;
    const first = this.#at;
    let at = first;
    while (at + HEADER_BYTES <= bytes.length && bytes[at] === OPCODE.wholeText) {
      const short = bytes[at + 1] ?? 0;
      let from = at + HEADER_BYTES;
      let length = short;
      if (short === 126) {
        from += 2;
        length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
      }
      // Everything else about a header is for the one who reads frames one by one.
      if (short > 126 || length > this.#maxBytes || from + length > bytes.length) break;
      for (; at < from; at += 1) bytes[at] = 0;
      at += length;
      this.#from.push(from);
      this.#to.push(at);
    }
    this.#at = at;
    this.#areAscii = at > first && isAscii(bytes.subarray(first, at));
    if (at > first) this.#needed = HEADER_BYTES;
  }

  #tellTexts(): void {
    const bytes = this.#bytes;
    while (this.#next < this.#from.length && this.#isReading) {
      const from = this.#from[this.#next] ?? 0;
      const to = this.#to[this.#next] ?? 0;
      this.#next += 1;
      if (this.#areAscii) this.#events.text(bytes.latin1Slice(from, to), to - from);
      else this.#tell(bytes.subarray(from, to));
    }
    if (this.#next < this.#from.length) return;
    this.#from.length = 0;
    this.#to.length = 0;
    this.#next = 0;
  }

  /** Reads any one frame, or learns how many bytes it takes. */
  #readFrame(): void {
    const header = headerAt(this.#bytes, this.#at);
    if (typeof header === 'number') {
      this.#needed = header;
      return;
    }
    const fault = header.fault ?? this.#faultOf(header);
    if (fault !== undefined) {
      this.#break(CLOSE.protocolError, fault);
      return;
    }
    const { opcode, size, length } = header;
    const bytes = this.#fragmentBytes + length;
    if (opcode < OPCODE.close && bytes > this.#maxBytes) {
      this.#break(CLOSE.tooBig, `a frame of ${bytes} bytes, more than max_frame_bytes`);
      return;
    }
    if (this.#bytes.length - this.#at < size + length) {
      this.#needed = size + length;
      return;
    }
    const from = this.#at + size;
    const payload = this.#bytes.subarray(from, from + length);
    this.#at = from + length;
    this.#needed = HEADER_BYTES;
    this.#takeFrame(header, payload);
  }

  /** Fragments stand in order; control frames may stand between them. */
  #faultOf({ opcode }: Header): string | undefined {
    if (opcode >= OPCODE.close) return undefined;
    if (opcode === OPCODE.continuation) {
      return this.#opcode === 0 ? 'a continuation of nothing' : undefined;
    }
    return this.#opcode === 0 ? undefined : 'a message within another';
  }

  #takeFrame({ opcode, isFinal }: Header, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.#events.pinged(payload);
    else if (opcode === OPCODE.pong) this.#events.ponged(payload);
    else if (opcode === OPCODE.close) this.#takeClose(payload);
    else this.#takeFragment(opcode, isFinal, payload);
  }

  #takeFragment(opcode: number, isFinal: boolean, payload: Buffer): void {
    if (opcode !== OPCODE.continuation) this.#opcode = opcode;
    const isWhole = isFinal && this.#fragmentBytes === 0;
    if (!isWhole) this.#keepFragment(payload);
    if (!isFinal) return;
    const bytes = isWhole ? payload : this.#fragments.subarray(0, this.#fragmentBytes);
    const isText = this.#opcode === OPCODE.text;
    this.#opcode = 0;
    this.#fragments = EMPTY;
    this.#fragmentBytes = 0;
    if (isText) this.#tell(bytes);
    else this.#events.binary(bytes);
  }

  #keepFragment(payload: Buffer): void {
    const end = this.#fragmentBytes + payload.length;
    if (end > this.#fragments.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, 2 * this.#fragments.length));
      this.#fragments.copy(grown, 0, 0, this.#fragmentBytes);
      this.#fragments = grown;
    }
    payload.copy(this.#fragments, this.#fragmentBytes);
    this.#fragmentBytes = end;
  }

  #tell(bytes: Buffer): void {
    const text = this.#textOf(bytes);
    if (text === undefined) this.#break(CLOSE.notUtf8, 'a text that is no UTF-8');
    else this.#events.text(text, bytes.length);
  }

  #takeClose(payload: Buffer): void {
    const code = payload.length < 2 ? CLOSE.noCode : payload.readUInt16BE(0);
    const reason = this.#textOf(payload.subarray(2));
    if (payload.length === 1) {
      this.#break(CLOSE.protocolError, 'a close frame of 1 byte');
    } else if (payload.length > 0 && !isCloseCode(code)) {
      this.#break(CLOSE.protocolError, `a close frame with code ${code}`);
    } else if (reason === undefined) {
      this.#break(CLOSE.notUtf8, 'a close frame that is no UTF-8');
    } else {
      this.#isOver = true;
      this.#events.closed(code, reason);
    }
  }

  #textOf(bytes: Buffer): string | undefined {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }

  #break(code: number, message: string): void {
    this.#isOver = true;
    this.#events.broken(code, message);
  }
}
