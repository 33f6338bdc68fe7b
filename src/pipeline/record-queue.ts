import type { Block, DropPolicy, Position, RecordBuffer } from '../journal/record-buffer.ts';
import { memoryOf } from '../journal/record-buffer.ts';
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
 * Under policy `block`, what sockets still deliver after their pause is kept up to this many times
 * the bound.
 */
const HARD_FACTOR = 2;
/** Ticks and states that outlive their dropped frames; beyond it the oldest ticks go. */
const SURVIVORS_MAX = 8192;

export type RecordQueueOptions = {
  readonly maxBlocks: number;
  readonly policy: DropPolicy;
  readonly memory: MemoryBudget;
  /** Where positions begin; they rise by the length of each record. */
  readonly start: Position;
  /**
   * Frames given up, with the first one's source. The queue itself leaves a `dropped` record in
   * their place.
   */
  readonly onDrop: (source: string, count: number) => void;
};

/**
 * The bounded queue between sources and operators: it stands where the journal will, and behaves at
 * its bound as `queues.drop_policy` says. Frames may be dropped there; ticks and states never are,
 * so the operators' clock goes on and learns of the drop from a `dropped` record.
 */
export class RecordQueue implements RecordBuffer {
  readonly #options: RecordQueueOptions;
  readonly #blocks: Block[] = [];
  readonly #filled = new Bell();
  readonly #emptied = new Bell();
  /** Refused frames whose `dropped` record still waits for the next record that is taken in. */
  readonly #refused = new Map<string, Refusal>();
  #ringing = false;
  #closing = false;
  #position: Position;
  /** Frames that came in, and those that were taken, or told of as dropped by a block that was. */
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
    if (this.#refused.size > 0) this.#appendRefusals();
    this.#append(record);
  }

  /** The oldest block; whoever takes it owns it. undefined while nothing waits. */
  take(): Block | undefined {
    if (this.#blocks.length === 0 && this.#refused.size > 0) this.#appendRefusals();
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#options.memory.addBlocks(-block.bytes);
    this.#taken += block.frames + droppedIn(block);
    block.end = { position: (block.positions.at(-1) ?? this.#position) + 1, frames: this.#taken };
    this.#emptied.ring();
    return block;
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

  #refuses(): boolean {
    const { policy, maxBlocks, memory } = this.#options;
    if (policy === 'oldest') return false;
    const blocks = policy === 'block' ? maxBlocks * HARD_FACTOR : maxBlocks;
    const bytes = policy === 'block' ? memory.limit * HARD_FACTOR : memory.limit;
    if (memory.total >= bytes) return true;
    return this.#blocks.length >= blocks && !this.#hasRoom(this.#blocks.at(-1));
  }

  #hasRoom(block: Block | undefined): block is Block {
    const maxBytes = this.#options.memory.share(BLOCK_BYTES);
    return block !== undefined && block.records.length < BLOCK_RECORDS && block.bytes < maxBytes;
  }

  #append(record: MarketRecord): void {
    let tail = this.#blocks.at(-1);
    if (!this.#hasRoom(tail)) {
      if (record.kind === 'frame' && this.full) this.#dropOldest();
      tail = emptyBlock();
      this.#blocks.push(tail);
    }
    const bytes = memoryOf(record);
    tail.records.push(record);
    tail.positions.push(this.#position);
    this.#position += bytes;
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
    for (const refusal of refusals) this.#append(droppedRecord(refusal));
  }

  /**
   * Policy `oldest`: the head block's frames go; what may not be dropped moves to the front of the
   * next block.
   */
  #dropOldest(): void {
    if (this.#options.policy !== 'oldest') return;
    const head = this.#blocks.findIndex((block) => block.frames > 0);
    const block = this.#blocks[head];
    if (block === undefined) return;
    const next = this.#blocks[head + 1];
    const merged = merge(survivors(block, this.#options.onDrop), next);
    this.#options.memory.addBlocks(merged.bytes - block.bytes - (next?.bytes ?? 0));
    this.#blocks.splice(head, next === undefined ? 1 : 2, merged);
  }
}

type Refusal = {
  readonly source: string;
  readonly connection: number;
  readonly receiveTime: ReceiveTime;
  readonly count: number;
};

const emptyBlock = (): Block => ({
  records: [],
  positions: [],
  bytes: 0,
  frames: 0,
  lost: 0,
  end: { position: 0, frames: 0 },
});

/** Frames that a record is, or tells of as given up by its source. */
const framesOf = (record: MarketRecord): number => {
  if (record.kind === 'frame') return 1;
  return record.kind === 'state' ? record.count : 0;
};

/** Frames that the block tells of as dropped. */
const droppedIn = ({ records }: Block): number =>
  records.reduce((sum, record) => sum + (record.kind === 'state' ? record.count : 0), 0);

/** A record and where it stands. */
type Placed = { readonly record: MarketRecord; readonly position: Position };

const merge = (kept: readonly Placed[], next: Block | undefined): Block => {
  const merged = emptyBlock();
  for (const { record, position } of kept) {
    merged.records.push(record);
    merged.positions.push(position);
    merged.bytes += memoryOf(record);
  }
  if (next === undefined) return merged;
  merged.records.push(...next.records);
  merged.positions.push(...next.positions);
  merged.bytes += next.bytes;
  merged.frames += next.frames;
  return merged;
};

const droppedRecord = (refusal: Refusal): StateRecord => ({
  kind: 'state',
  state: 'dropped',
  symbols: [],
  ...refusal,
});

const survivors = (
  block: Block,
  onDrop: (source: string, count: number) => void,
): readonly Placed[] => {
  const kept: Placed[] = [];
  const dropped = new Map<string, Refusal & { readonly position: Position }>();
  for (const [index, record] of block.records.entries()) {
    const position = block.positions[index] ?? 0;
    if (record.kind === 'tick' || (record.kind === 'state' && record.state !== 'dropped')) {
      kept.push({ record, position });
      continue;
    }
    const { source, connection, receiveTime } = record;
    const key = `${source} ${connection}`;
    const count = (record.kind === 'state' ? record.count : 1) + (dropped.get(key)?.count ?? 0);
    dropped.set(key, { source, connection, receiveTime, count, position });
    if (record.kind === 'frame') onDrop(source, 1);
  }
  for (const { position, ...refusal } of dropped.values()) {
    kept.push({ record: droppedRecord(refusal), position });
  }
  return kept.length > SURVIVORS_MAX ? withoutOldestTicks(kept) : kept;
};

const withoutOldestTicks = (records: readonly Placed[]): readonly Placed[] => {
  const surplus = records.length - SURVIVORS_MAX;
  let gone = 0;
  return records.filter(({ record }) => record.kind !== 'tick' || ++gone > surplus);
};
