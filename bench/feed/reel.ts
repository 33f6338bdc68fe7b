import { marks, type Dialect, type Sample } from './dialects.ts';

/** Frames in a reel: enough for prices that do not repeat at once, and for every symbol in turn. */
const leastFrames = 4096;
const framesPerSymbol = 4;
/** Ten digits, and room for billions more. */
const firstId = 3_000_000_000;

const markKinds = [marks.id, marks.again, marks.millis, marks.iso] as const;
const markWidths = markKinds.map((mark) => mark.length);
const anyMark = new RegExp(markKinds.join('|'), 'g');
const kindOf = { id: 0, again: 1, millis: 2, iso: 3 } as const;

/**
 * A loop of WebSocket frames in one buffer, as they go over the wire. Before a stretch of it is
 * sent, ids that go on where the symbol's last one ended and the present time are written into it:
 * that costs a fraction of composing the frames anew, and what the feed does not use is left for
 * what is measured.
 */
export class Reel {
  readonly length: number;
  readonly #bytes: Buffer;
  /** Where each frame begins; one more at the end. */
  readonly #starts: Uint32Array;
  /** Of each frame, its first mark; one more at the end. */
  readonly #firstMarks: Uint32Array;
  readonly #markAt: Uint32Array;
  readonly #markKind: Uint8Array;
  readonly #frameSymbol: Uint32Array;
  readonly #rows: Uint8Array;
  readonly #nextId: Float64Array;
  readonly #times: readonly Buffer[];
  #now = 0;

  constructor(dialect: Dialect, symbols: readonly string[], random: () => number) {
    this.length = Math.max(leastFrames, symbols.length * framesPerSymbol);
    const wires: Buffer[] = [];
    const cut = new ReelMarks();
    for (let at = 0; at < this.length; at += 1) {
      // Every symbol in its turn at first, then by chance.
      const chance = Math.floor(random() * symbols.length);
      const symbol = at < symbols.length ? at : chance;
      const rows = dialect.tradesInFrame[at % dialect.tradesInFrame.length] ?? 1;
      const wire = wireFrame(render(dialect, symbols[symbol] ?? '', rows, random));
      cut.add(wire, symbol, rows);
      wires.push(wire);
    }
    this.#bytes = Buffer.concat(wires);
    this.#starts = Uint32Array.from(cut.starts);
    this.#firstMarks = Uint32Array.from(cut.firstMarks);
    this.#markAt = Uint32Array.from(cut.markAt);
    this.#markKind = Uint8Array.from(cut.markKind);
    this.#frameSymbol = Uint32Array.from(cut.symbols);
    this.#rows = Uint8Array.from(cut.rows);
    this.#nextId = new Float64Array(symbols.length).fill(firstId);
    this.#times = markWidths.map((width) => Buffer.alloc(width));
  }

  /** Writes ids and the time into the frames `from` to `to`, exclusive; returns their bytes. */
  stretch(from: number, to: number, nowMs: number): Buffer {
    this.#setTime(nowMs);
    for (let frame = from; frame < to; frame += 1) this.#write(frame);
    return this.#bytes.subarray(this.#starts[from], this.#starts[to]);
  }

  /** Trades in the frames `from` to `to`, exclusive. */
  rows(from: number, to: number): number {
    let rows = 0;
    for (let frame = from; frame < to; frame += 1) rows += this.#rows[frame] ?? 0;
    return rows;
  }

  /** The texts of a stretch, as a client receives them. */
  texts(from: number, to: number, nowMs: number): readonly string[] {
    this.stretch(from, to, nowMs);
    return Array.from({ length: to - from }, (_, at) => {
      const start = this.#starts[from + at] ?? 0;
      const header = (this.#bytes[start + 1] ?? 0) === lengthIn16Bits ? 4 : 2;
      return this.#bytes.toString('latin1', start + header, this.#starts[from + at + 1]);
    });
  }

  #write(frame: number): void {
    const symbol = this.#frameSymbol[frame] ?? 0;
    const last = this.#firstMarks[frame + 1] ?? 0;
    let id = this.#nextId[symbol] ?? firstId;
    for (let mark = this.#firstMarks[frame] ?? 0; mark < last; mark += 1) {
      const at = this.#markAt[mark] ?? 0;
      const kind = this.#markKind[mark] ?? 0;
      if (kind === kindOf.id) this.#writeDigits(at, id++);
      else if (kind === kindOf.again) this.#writeDigits(at, id - 1);
      else this.#writeTime(at, kind);
    }
    this.#nextId[symbol] = id;
  }

  #writeDigits(at: number, value: number): void {
    let rest = value;
    for (let index = at + marks.id.length - 1; index >= at; index -= 1) {
      const tenth = Math.floor(rest / 10);
      this.#bytes[index] = 48 + rest - tenth * 10;
      rest = tenth;
    }
  }

  #writeTime(at: number, kind: number): void {
    const time = this.#times[kind];
    if (time === undefined) return;
    for (let index = 0; index < time.length; index += 1) {
      this.#bytes[at + index] = time[index] ?? 0;
    }
  }

  #setTime(nowMs: number): void {
    const millis = Math.floor(nowMs);
    if (millis === this.#now) return;
    this.#now = millis;
    this.#times[kindOf.millis]?.write(String(millis), 'latin1');
    this.#times[kindOf.iso]?.write(new Date(millis).toISOString().replace('Z', '250Z'), 'latin1');
  }
}

/** What the reel has to know of its frames, gathered while they are made. */
class ReelMarks {
  readonly starts: number[] = [0];
  readonly firstMarks: number[] = [0];
  readonly markAt: number[] = [];
  readonly markKind: number[] = [];
  readonly symbols: number[] = [];
  readonly rows: number[] = [];

  add(wire: Buffer, symbol: number, rows: number): void {
    const start = this.starts.at(-1) ?? 0;
    for (const match of wire.toString('latin1').matchAll(anyMark)) {
      this.markAt.push(start + match.index);
      this.markKind.push(markKinds.findIndex((mark) => mark === match[0]));
    }
    this.starts.push(start + wire.length);
    this.firstMarks.push(this.markAt.length);
    this.symbols.push(symbol);
    this.rows.push(rows);
  }
}

const render = (dialect: Dialect, symbol: string, rows: number, random: () => number): string => {
  const base = 100 + (Bun.hash.crc32(symbol) % 60_000);
  const sample = (): Sample => ({
    symbol,
    price: (base + random() * 10).toFixed(2),
    size: (random() * 3 + 0.00001).toFixed(5),
    taker: random() < 0.5 ? 'buy' : 'sell',
  });
  return dialect.frame([sample(), ...Array.from({ length: rows - 1 }, sample)], random);
};

const lengthIn16Bits = 126;
const finalText = 0x81;

/** An unmasked text frame of less than 64 KiB: RFC 6455, section 5.2. */
export const wireFrame = (text: string, firstByte = finalText): Buffer => {
  const payload = Buffer.from(text);
  const { length } = payload;
  const header =
    length < lengthIn16Bits
      ? [firstByte, length]
      : [firstByte, lengthIn16Bits, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), payload]);
};
