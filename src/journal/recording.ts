import { MdpError } from '../runtime/errors.ts';
import { Bell } from '../runtime/waiting.ts';
import { readBlocks } from './inspect.ts';
import { sizeOf, type Block } from './block.ts';
import type { MemoryShare, RecordBuffer } from './record-buffer.ts';

/**
 * A journal directory as it stands, to be read once from its beginning: the records that were
 * recorded, at their own positions. The directory is only read, also while a pipeline writes it.
 * One block is read ahead.
 */
export class Recording implements RecordBuffer {
  readonly full = false;
  readonly #memory: MemoryShare;
  readonly #filled = new Bell();
  readonly #wanted = new Bell();
  readonly #stop = new AbortController();
  #ready: Block | undefined;
  #through = false;
  #failure: MdpError | undefined;

  /** Begins to read. `onDamage` is told of every place that cannot be read. */
  constructor(directory: string, memory: MemoryShare, onDamage: (position: number) => void) {
    this.#memory = memory;
    this.#read(directory, onDamage).catch((cause: unknown) => {
      this.#failure = unreadable(directory, cause);
      this.#filled.ring();
    });
  }

  push(): void {
    throw new MdpError('invariant', 'a recording takes no records');
  }

  pushFrames(): void {
    this.push();
  }

  /** Throws what kept the directory from being read. */
  take(): Block | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const block = this.#ready;
    if (block === undefined) return undefined;
    this.#memory.addBlocks(-sizeOf(block));
    this.#ready = undefined;
    this.#wanted.ring();
    return block;
  }

  filled(signal: AbortSignal): Promise<void> {
    return this.#filled.wait(signal);
  }

  emptied(): Promise<void> {
    return Promise.resolve();
  }

  memoryFreed(): void {
    // Nobody waits for room here.
  }

  /** Reads no further. */
  close(): void {
    this.#stop.abort();
    this.#filled.ring();
  }

  get closed(): boolean {
    return this.#ready === undefined && (this.#through || this.#stop.signal.aborted);
  }

  get length(): number {
    return this.#ready === undefined ? 0 : 1;
  }

  frames(): number {
    return this.#ready?.frames ?? 0;
  }

  async #read(directory: string, onDamage: (position: number) => void): Promise<void> {
    const { signal } = this.#stop;
    for await (const block of readBlocks(directory, onDamage)) {
      while (this.#ready !== undefined && !signal.aborted) await this.#wanted.wait(signal);
      if (signal.aborted) break;
      this.#memory.addBlocks(sizeOf(block));
      this.#ready = block;
      this.#filled.ring();
    }
    this.#through = true;
    this.#filled.ring();
  }
}

const unreadable = (directory: string, cause: unknown): MdpError =>
  cause instanceof MdpError
    ? cause
    : new MdpError('disk', `the journal in ${directory} cannot be read: ${String(cause)}`, {
        cause,
      });
