import type { Chance } from './random.ts';

/** What a device writes whole or not at all. */
const SECTOR = 512;

type Write = {
  readonly at: number;
  readonly bytes: Buffer;
  /** A sync of it has failed: the pages count as clean, and no later sync brings them to disk. */
  forsaken: boolean;
};

/** What a power loss takes of writes that were not synced. */
export type Loss = 'all' | 'later' | 'any' | 'none';

/** The content of a file: as its readers see it, and as it would be found after a power loss. */
export class Inode {
  size = 0;
  /** Our clock, µs. */
  writtenAt = 0;
  #bytes: Buffer = Buffer.alloc(4096);
  #durable: Buffer = Buffer.alloc(0);
  #durableSize = 0;
  #pending: Write[] = [];
  /** Was made shorter, which is not synced. */
  #cut = false;

  write(data: Uint8Array, at: number): void {
    const bytes = Buffer.from(data);
    const end = at + bytes.length;
    this.#bytes = roomFor(end, this.#bytes);
    bytes.copy(this.#bytes, at);
    this.size = Math.max(this.size, end);
    this.#pending.push({ at, bytes, forsaken: false });
  }

  /** Behind its end a file has nothing. */
  read(bytes: Uint8Array, at: number): number {
    if (at >= this.size) return 0;
    return this.#bytes.copy(bytes, 0, at, this.size);
  }

  truncate(size: number): void {
    if (size >= this.size) return;
    this.#bytes.fill(0, size);
    this.size = size;
    this.#cut = true;
  }

  /** A sync begins: what it covers. The result says how it ended. */
  sync(): (ended: 'well' | 'badly') => void {
    const begun = this.#pending.filter(({ forsaken }) => !forsaken);
    const { size } = this;
    return (ended) => {
      if (ended === 'badly') {
        for (const write of begun) write.forsaken = true;
        return;
      }
      const done = new Set(begun);
      this.#pending = this.#pending.filter((write) => !done.has(write));
      for (const write of begun) this.#settle(write.at, write.bytes);
      if (this.#cut) this.#cutTo(size);
      this.#cut = false;
    };
  }

  /** Whether a power loss would leave these bytes as they were written. */
  isDurable(from: number, to: number): boolean {
    return (
      to <= this.#durableSize &&
      this.#pending.every(({ at, bytes }) => at >= to || at + bytes.length <= from)
    );
  }

  /** The power goes: what was not synced is there in part, and nobody knows which. */
  losePower(loss: Loss, chance: Chance): void {
    const whole = this.size;
    const isCutKept = this.#cut && chance.happens(0.5);
    if (isCutKept) this.#cutTo(this.size);
    if (loss === 'none') for (const { at, bytes } of this.#pending) this.#settle(at, bytes);
    if (loss === 'later') this.#keepEarlier(chance);
    if (loss === 'any') this.#keepSome(chance);
    // A file may have grown before its bytes came.
    const isGrown = loss !== 'all' && !this.#cut && chance.happens(0.3);
    if (isGrown) this.#settle(whole, Buffer.alloc(0));
    this.#pending = [];
    this.#cut = false;
    this.#bytes = Buffer.from(this.#durable);
    this.size = this.#durableSize;
  }

  #keepEarlier(chance: Chance): void {
    const kept = chance.integer(0, this.#pending.length);
    for (const { at, bytes } of this.#pending.slice(0, kept)) this.#settle(at, bytes);
    const torn = this.#pending[kept];
    if (torn === undefined) return;
    const sectors = chance.integer(0, Math.ceil(torn.bytes.length / SECTOR));
    const end = Math.max(0, (Math.ceil(torn.at / SECTOR) + sectors) * SECTOR - torn.at);
    if (sectors > 0) this.#settle(torn.at, torn.bytes.subarray(0, end));
  }

  /** Each sector may have come to disk after any of the writes to it, or before them. */
  #keepSome(chance: Chance): void {
    const kept = new Map<number, number>();
    const counts = new Map<number, number>();
    for (const write of this.#pending) {
      for (const sector of sectorsOf(write)) {
        counts.set(sector, (counts.get(sector) ?? 0) + 1);
      }
    }
    for (const [sector, count] of counts) kept.set(sector, chance.integer(0, count));
    for (const write of this.#pending) {
      for (const sector of sectorsOf(write)) {
        const left = kept.get(sector) ?? 0;
        if (left === 0) continue;
        kept.set(sector, left - 1);
        const from = Math.max(write.at, sector * SECTOR);
        const to = Math.min(write.at + write.bytes.length, (sector + 1) * SECTOR);
        this.#settle(from, write.bytes.subarray(from - write.at, to - write.at));
      }
    }
  }

  #settle(at: number, bytes: Buffer): void {
    const end = at + bytes.length;
    this.#durable = roomFor(end, this.#durable);
    bytes.copy(this.#durable, at);
    this.#durableSize = Math.max(this.#durableSize, end);
  }

  #cutTo(size: number): void {
    this.#durable.fill(0, size);
    this.#durableSize = Math.min(this.#durableSize, size);
  }
}

/** The same bytes in a buffer of at least this size, with zeros behind them. */
const roomFor = (size: number, bytes: Buffer): Buffer => {
  if (size <= bytes.length) return bytes;
  const grown = Buffer.alloc(Math.max(size, bytes.length * 2));
  bytes.copy(grown);
  return grown;
};

const sectorsOf = ({ at, bytes }: Write): readonly number[] => {
  const first = Math.floor(at / SECTOR);
  const last = Math.floor((at + bytes.length - 1) / SECTOR);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
};
