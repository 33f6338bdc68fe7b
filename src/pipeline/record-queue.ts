import { Blocks, memoryOf, type Block } from '../journal/block.ts';
import type { DropPolicy, Position, RecordBuffer } from '../journal/record-buffer.ts';
import type { FrameRecord, MarketRecord, StateRecord } from '../market/record.ts';
import type { ReceiveTime } from '../market/time.ts';
import { Bell } from '../runtime/waiting.ts';
import type { MemoryBudget } from './memory.ts';

/**
 * A block is closed at so many records or bytes (less where memory is short); until the reader
 * takes it, it goes on filling.
 */
const BLOCK_RECORDS = 512;
const BLOCK_BYTES = 256 * 1024;
/**
 * Under policy `block` a socket of Bun's own client still delivers what it has read when it is
 * paused (512 KiB, up to 2,871 Binance trades, measured with Bun 1.4.5): it is kept, up to this
 * many times the bound of memory.
 */
const HARD_FACTOR = 2;
/** Ticks and states that outlive their dropped frames; beyond it the oldest ticks go. */
const SURVIVORS_MAX = 8192;

/** A block that still fills. */
type Filling = { readonly records: MarketRecord[]; bytes: number; frames: number };

export type RecordQueueOptions = {
  readonly maxBlocks: number;
  readonly policy: DropPolicy;
  readonly memory: MemoryBudget;
  /** Where positions begin; they rise by the size of each record. */
  readonly start: Position;
  /**
   * Frames given up, with the first one's source. The queue itself leaves a `dropped` record in
   * their place.
   */
  readonly onDrop: (source: string, count: number) => void;
};

/**
 * The bounded queue between sources and operators: it stands where the journal will, and behaves at
 * its bound as `queues.drop_policy` says. Frames may be dropped there; states never are, and of
 * ticks only those that a later one stands for, so the operators' clock goes on and learns of the
 * drop from a `dropped` record.
 */
export class RecordQueue implements RecordBuffer {
  readonly #options: RecordQueueOptions;
  readonly #blocks: Filling[] = [];
  readonly #placing = new Blocks();
  readonly #filled = new Bell();
  readonly #emptied = new Bell();
  /** Refused frames whose `dropped` record still waits for the next record that is taken in. */
  readonly #refused = new Map<string, Refusal>();
  #ringing = false;
  #closing = false;
  #position: Position;
  /** Frames that came in; and those that were taken, or told of as dropped by what was. */
  #received = 0;
  #taken = 0;

  constructor(options: RecordQueueOptions) {
    this.#options = options;
    this.#position = options.start;
  }

  push(record: MarketRecord): void {
    this.#received += framesOf(record);
    if (record.kind === 'frame' && this.#refuses()) {
      this.#refuse(record);
      return;
    }
    if (record.kind === 'tick' && this.full) this.#takeBack((last) => last.kind === 'tick', record);
    if (this.#refused.size > 0) this.#appendRefusals();
    this.#append(record);
  }

  pushFrames(frames: readonly FrameRecord[]): void {
    for (const frame of frames) this.push(frame);
  }

  /** The oldest block; whoever takes it owns it. undefined while nothing waits. */
  take(): Block | undefined {
    if (this.#blocks.length === 0 && this.#refused.size > 0) this.#appendRefusals();
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#options.memory.addBlocks(-block.bytes);
    this.#emptied.ring();
    return this.#placed(block);
  }

  /** Resolves when a record has come since, the queue was closed, or `signal` is aborted. */
  filled(signal: AbortSignal): Promise<void> {
    return this.#filled.wait(signal);
  }

  /** Resolves when the queue may have room again, or `signal` is aborted. */
  emptied(signal: AbortSignal): Promise<void> {
    return this.#emptied.wait(signal);
  }

  /** Tells who waits for room that memory elsewhere was freed. */
  memoryFreed(): void {
    if (!this.full) this.#emptied.ring();
  }

  /** No more records will come. */
  close(): void {
    this.#closing = true;
    this.#filled.ring();
  }

  get closed(): boolean {
    return this.#closing && this.#blocks.length === 0 && this.#refused.size === 0;
  }

  get length(): number {
    return this.#blocks.length;
  }

  get full(): boolean {
    return this.#blocks.length >= this.#options.maxBlocks || this.#options.memory.full;
  }

  /** Frames not taken yet; those given up count until the record that tells of them is taken. */
  frames(): number {
    return this.#received - this.#taken;
  }

  /** A block on its way to the reader: its records become bytes and get their positions. */
  #placed({ records }: Filling): Block {
    const start = { position: this.#position, frames: this.#taken };
    const block = this.#placing.block(records, start);
    this.#position = block.end.position;
    this.#taken += records.reduce((sum, record) => sum + framesOf(record), 0);
    return { ...block, end: { position: this.#position, frames: this.#taken } };
  }

  #refuses(): boolean {
    const { policy, maxBlocks, memory } = this.#options;
    if (policy === 'oldest') return false;
    if (policy === 'block') return memory.total >= memory.limit * HARD_FACTOR;
    if (memory.full) return true;
    const { length } = this.#blocks;
    return length > maxBlocks || (length === maxBlocks && !this.#hasRoom(this.#blocks.at(-1)));
  }

  #hasRoom(block: Filling | undefined): block is Filling {
    const maxBytes = this.#options.memory.share(BLOCK_BYTES);
    return block !== undefined && block.records.length < BLOCK_RECORDS && block.bytes < maxBytes;
  }

  #append(record: MarketRecord): void {
    let tail = this.#blocks.at(-1);
    if (!this.#hasRoom(tail)) {
      this.#makeRoom();
      tail = this.#blocks.at(-1);
    }
    if (!this.#hasRoom(tail)) {
      tail = { records: [], bytes: 0, frames: 0 };
      this.#blocks.push(tail);
    }
    const bytes = memoryOf(record);
    tail.records.push(record);
    tail.bytes += bytes;
    if (record.kind === 'frame') tail.frames += 1;
    this.#options.memory.addBlocks(bytes);
    this.#ring();
  }

  /** One wake-up a turn of the event loop, however many frames the sockets deliver in it. */
  #ring(): void {
    if (this.#ringing) return;
    this.#ringing = true;
    setImmediate(() => {
      this.#ringing = false;
      this.#filled.ring();
    });
  }

  #refuse(frame: FrameRecord): void {
    const key = `${frame.source} ${frame.connection}`;
    const { source, connection, receiveTime } = frame;
    const count = (this.#refused.get(key)?.count ?? 0) + 1;
    this.#refused.set(key, { source, connection, receiveTime, count });
    this.#options.onDrop(source, 1);
  }

  #appendRefusals(): void {
    const refusals = [...this.#refused.values()];
    this.#refused.clear();
    for (const refusal of refusals) {
      const before = this.#takeBack(isDropped, refusal);
      const count = refusal.count + (before?.kind === 'state' ? before.count : 0);
      this.#append(droppedRecord({ ...refusal, count }));
    }
  }

  /**
   * Takes the last record of this kind and connection back, when only ticks and drops came behind
   * it: a later one says as much. So a bound that lasts for days holds one of each a connection.
   */
  #takeBack(isKind: (record: MarketRecord) => boolean, of: Origin): MarketRecord | undefined {
    const tail = this.#blocks.at(-1);
    const records = tail?.records ?? [];
    for (let at = records.length - 1; at >= 0; at -= 1) {
      const record = records[at];
      if (tail === undefined || record === undefined) return undefined;
      if (isKind(record) && record.source === of.source && record.connection === of.connection) {
        records.splice(at, 1);
        tail.bytes -= memoryOf(record);
        this.#options.memory.addBlocks(-memoryOf(record));
        return record;
      }
      if (record.kind !== 'tick' && !isDropped(record)) return undefined;
    }
    return undefined;
  }

  /** Policy `oldest`: down to the bound in blocks; in full memory a block makes way for a block. */
  #makeRoom(): void {
    const { policy, maxBlocks, memory } = this.#options;
    if (policy !== 'oldest') return;
    if (memory.full) this.#dropOldest();
    while (this.#blocks.length >= maxBlocks && this.#dropOldest());
  }

  /**
   * The frames of the oldest block that has any go; what may not be dropped of it and of those
   * before it moves to the front of the next block. False when there was none.
   */
  #dropOldest(): boolean {
    const head = this.#blocks.findIndex((block) => block.frames > 0);
    if (head < 0) return false;
    const old = this.#blocks.slice(0, head + 2);
    const kept = survivors(recordsIn(old.slice(0, head + 1)), this.#options.onDrop);
    const merged = fillingOf([...kept, ...recordsIn(old.slice(head + 1))]);
    const before = old.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#options.memory.addBlocks(merged.bytes - before);
    this.#blocks.splice(0, old.length, merged);
    return true;
  }
}

type Origin = { readonly source: string; readonly connection: number };

type Refusal = Origin & {
  readonly receiveTime: ReceiveTime;
  readonly count: number;
};

/** Frames that a record is, or tells of as given up. */
const framesOf = (record: MarketRecord): number => {
  if (record.kind === 'frame') return 1;
  return record.kind === 'state' ? record.count : 0;
};

const isDropped = (record: MarketRecord): boolean =>
  record.kind === 'state' && record.state === 'dropped';

const fillingOf = (records: MarketRecord[]): Filling => ({
  records,
  bytes: records.reduce((sum, record) => sum + memoryOf(record), 0),
  frames: records.reduce((sum, record) => sum + (record.kind === 'frame' ? 1 : 0), 0),
});

const recordsIn = (blocks: readonly Filling[]): readonly MarketRecord[] =>
  blocks.flatMap(({ records }) => records);

const droppedRecord = (refusal: Refusal): StateRecord => ({
  kind: 'state',
  state: 'dropped',
  symbols: [],
  ...refusal,
});

const survivors = (
  records: readonly MarketRecord[],
  onDrop: (source: string, count: number) => void,
): MarketRecord[] => {
  const kept: MarketRecord[] = [];
  const dropped = new Map<string, Refusal>();
  for (const record of records) {
    if (record.kind === 'tick' || (record.kind === 'state' && record.state !== 'dropped')) {
      kept.push(record);
      continue;
    }
    const { source, connection, receiveTime } = record;
    const key = `${source} ${connection}`;
    const count = record.kind === 'state' ? record.count : 1;
    const before = dropped.get(key)?.count ?? 0;
    dropped.set(key, { source, connection, receiveTime, count: before + count });
    if (record.kind === 'frame') onDrop(source, 1);
  }
  for (const refusal of dropped.values()) kept.push(droppedRecord(refusal));
  return kept.length > SURVIVORS_MAX ? withoutOldestTicks(kept) : kept;
};

const withoutOldestTicks = (records: readonly MarketRecord[]): MarketRecord[] => {
  const surplus = records.length - SURVIVORS_MAX;
  let gone = 0;
  return records.filter((record) => record.kind !== 'tick' || ++gone > surplus);
};
