/**
 * Memory of batches that are settled, kept for the next ones: without it each batch would be new
 * memory and a collection. Holds at most `mostBytes`; what is given beyond that is left to the
 * collector.
 */
export class SpareMemory {
  readonly #mostBytes: number;
  readonly #buffers: ArrayBuffer[] = [];
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The buffer given last, with whatever is in it. */
  take(): ArrayBuffer | undefined {
    const buffer = this.#buffers.pop();
    if (buffer !== undefined) this.#bytes -= buffer.byteLength;
    return buffer;
  }

  give(buffer: ArrayBuffer): void {
    if (this.#bytes + buffer.byteLength > this.#mostBytes) return;
    this.#buffers.push(buffer);
    this.#bytes += buffer.byteLength;
  }
}
