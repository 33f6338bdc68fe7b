import type { Inode } from '../inode.ts';
import type { Files, SimulatedDisk } from '../disk.ts';
import type { Parcel } from '../peer.ts';

/**
 * What became of a parcel that the program was given. `open`: its process lives. `kept`: it was in
 * the journal's file and outlived its process there, so that it must be in the tables, and all that
 * follows knows of it. `stored`: its process ended in good order and left nothing, so that it must
 * be in the tables, but nothing that follows need know of it. `lost`: it was in memory when its
 * process died. `doubtful`: it was in a file, or where memory stood in for the disk, and may be
 * found again or not.
 */
export type Fate = 'open' | 'kept' | 'stored' | 'lost' | 'doubtful';

type Place = { readonly inode: Inode; readonly from: number; readonly to: number };

export type Delivery = {
  readonly parcel: Parcel;
  readonly at: number;
  fate: Fate;
  place: Place | undefined;
  /** A power loss would have left it, once. */
  secured: boolean;
};

/**
 * A text that is not where it should be may have been given up: so many behind it are tried. Or
 * another connection handed on before its own, which does so in batches: so many in front are.
 */
const LOOK_AHEAD = 256;
const LOOK_BACK = 256;
/** The time at which a text came stands, as a double, at most so far in front of it. */
const HEAD_BYTES = 64;

/**
 * What of one process has reached the journal's files: told by the texts in the bytes that are
 * written, and by when they came, nearly in the order in which they were given. Shares no line with
 * the journal.
 */
export class Custody {
  readonly deliveries: Delivery[] = [];
  readonly #disk: SimulatedDisk;
  readonly #largestFrame: number;
  /** Of earlier processes: in a file and not secured. */
  #inherited: readonly Delivery[];
  /** Behind the last that was found in what was written. */
  #next = 0;
  /** All before it are secured. */
  #secured = 0;

  constructor(disk: SimulatedDisk, inherited: readonly Delivery[], largestFrame: number) {
    this.#disk = disk;
    this.#inherited = inherited;
    this.#largestFrame = largestFrame;
  }

  /** A frame that is larger than the program takes is in no file, whatever it held. */
  takes(parcel: Parcel, at: number): Delivery {
    const delivery: Delivery = { parcel, at, fate: 'open', place: undefined, secured: false };
    const { text, trades, quotes } = parcel;
    const isTaken = text.length <= this.#largestFrame;
    if (isTaken && trades.length + quotes.length > 0) this.deliveries.push(delivery);
    return delivery;
  }

  /** So many bytes of a segment have reached the kernel. */
  wrote(inode: Inode, at: number, bytes: Buffer): void {
    const first = Math.max(this.#secured, this.#next - LOOK_BACK);
    if (this.#find(first, inode, at, bytes, ({ place }) => place === undefined)) return;
    // What a failed sync has left is written again.
    this.#find(this.#secured, inode, at, bytes, () => true);
  }

  /** Names or bytes have been synced. */
  synced(): void {
    const { deliveries } = this;
    const files = this.#disk.files();
    for (let index = this.#secured; index < this.#next; index += 1) look(deliveries[index], files);
    for (const delivery of this.#inherited) look(delivery, files);
    this.#inherited = this.#inherited.filter(({ secured }) => !secured);
    while (deliveries[this.#secured]?.secured === true) this.#secured += 1;
  }

  /** What was not synced is no longer trusted, and written anew. */
  broke(): void {
    for (const delivery of this.deliveries.slice(this.#secured)) {
      if (!delivery.secured) delivery.place = undefined;
    }
    this.#next = this.#secured;
  }

  /** Of what it was given before `time`, how many are in no file. */
  unwritten(time: number): number {
    const early = this.deliveries.filter(({ at }) => at < time);
    return early.filter(({ place, secured }) => place === undefined && !secured).length;
  }

  /**
   * The process ended: by itself and with nothing left, or it died, perhaps of a power loss; or it
   * was the last, behind which nothing follows.
   */
  end(how: 'drained' | 'left' | 'killed' | 'power' | 'last', memory: 'lost' | 'doubtful'): void {
    this.synced();
    for (const delivery of this.#inherited) if (how === 'power') delivery.fate = 'doubtful';
    for (const delivery of this.deliveries) {
      const { place, secured } = delivery;
      const isThere = how === 'power' ? secured : place !== undefined || secured;
      if (isThere || how === 'last') delivery.fate = 'kept';
      else if (how === 'drained') delivery.fate = 'stored';
      else delivery.fate = place === undefined ? memory : 'doubtful';
    }
  }

  /** In a file, and not secured: the next process has to see to that. */
  get legacy(): readonly Delivery[] {
    const all = [...this.#inherited, ...this.deliveries];
    return all.filter(({ fate, secured }) => fate === 'kept' && !secured);
  }

  #find(
    first: number,
    inode: Inode,
    at: number,
    bytes: Buffer,
    isSought: (delivery: Delivery) => boolean,
  ): boolean {
    const { deliveries } = this;
    const fresh = this.#next;
    let from = 0;
    let missed = 0;
    let isFound = false;
    for (let index = first; index < deliveries.length && missed < LOOK_AHEAD; index += 1) {
      const delivery = deliveries[index];
      if (delivery === undefined || delivery.secured || !isSought(delivery)) continue;
      const { text } = delivery.parcel;
      const behind = placeOf(delivery, bytes, from);
      const found = behind < 0 ? placeOf(delivery, bytes, 0) : behind;
      if (found < 0) {
        if (index >= fresh) missed += 1;
        continue;
      }
      from = found + text.length;
      missed = 0;
      isFound = true;
      delivery.place = { inode, from: at + found, to: at + found + text.length };
      this.#next = Math.max(this.#next, index + 1);
    }
    return isFound;
  }
}

/** Where its text stands, behind `from`: close behind its time, since others may say the same. */
const placeOf = ({ parcel, at }: Delivery, bytes: Buffer, from: number): number => {
  const time = Buffer.alloc(8);
  time.writeDoubleLE(at);
  const length = Buffer.byteLength(parcel.text);
  for (let head = bytes.indexOf(time, from); head >= 0; head = bytes.indexOf(time, head + 1)) {
    const behind = bytes.subarray(head, head + HEAD_BYTES + length);
    const found = behind.indexOf(parcel.text, time.length);
    if (found >= 0) return head + found;
  }
  return -1;
};

/** Whether it is safe by now. A file is removed when all of it is settled. */
const look = (delivery: Delivery | undefined, { named, durable }: Files): void => {
  if (delivery?.place === undefined || delivery.secured) return;
  const { inode, from, to } = delivery.place;
  delivery.secured = !named.has(inode) || (durable.has(inode) && inode.isDurable(from, to));
};
