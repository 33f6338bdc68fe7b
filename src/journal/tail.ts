import type { MarketRecord } from '../market/record.ts';
import { addRecord, emptyBlock, hasRoom } from './blocks.ts';
import type { Block, Mark, MemoryShare, Position } from './record-buffer.ts';

/**
 * The newest blocks as objects, so that a reader that keeps up decodes nothing. At its bound the
 * oldest block goes: it can be read from the journal, like everything.
 */
export class Tail {
  readonly #blocks: Block[] = [];
  readonly #maxBlocks: number;
  readonly #memory: MemoryShare;
  #filling: Block | undefined;

  constructor(maxBlocks: number, memory: MemoryShare) {
    this.#maxBlocks = maxBlocks;
    this.#memory = memory;
  }

  get length(): number {
    return this.#blocks.length;
  }

  /** Of the oldest record here. */
  get start(): Position | undefined {
    return this.#blocks[0]?.positions[0];
  }

  /** Whether the block that is being filled must be sealed before the next record. */
  get isFilled(): boolean {
    return this.#filling !== undefined && !hasRoom(this.#filling);
  }

  append(record: MarketRecord, position: Position): void {
    const block = this.#filling ?? this.#begin();
    const before = block.bytes;
    addRecord(block, record, position);
    this.#memory.addBlocks(block.bytes - before);
  }

  /** Ends the block that is being filled, at `end`. */
  seal(end: Mark): void {
    if (this.#filling === undefined) return;
    this.#filling.end = end;
    this.#filling = undefined;
  }

  /** The oldest block, when it ends at `limit` or before. */
  take(limit: Position): Block | undefined {
    const first = this.#blocks[0];
    if (first === undefined || first === this.#filling || first.end.position > limit) {
      return undefined;
    }
    this.#drop();
    return first;
  }

  /** Forgets what begins before `position`. */
  forget(position: Position): void {
    for (let start = this.start; start !== undefined && start < position; start = this.start) {
      if (this.#blocks[0] === this.#filling) return;
      this.#drop();
    }
  }

  #begin(): Block {
    const isFull = this.#blocks.length >= this.#maxBlocks || this.#memory.full;
    if (isFull && this.#blocks.length > 0) this.#drop();
    const block = emptyBlock({ position: 0, frames: 0 });
    this.#filling = block;
    this.#blocks.push(block);
    return block;
  }

  #drop(): void {
    const block = this.#blocks.shift();
    if (block !== undefined) this.#memory.addBlocks(-block.bytes);
  }
}
