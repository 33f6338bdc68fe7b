import type { Log } from '../runtime/log.ts';
import type { Damage } from './block-reader.ts';
import { errnoOf, replaceFile, type Disk } from './disk.ts';

/** Files kept, and bytes of each. */
const MOST_FILES = 100;
const MOST_BYTES = 1024 * 1024;

/**
 * Keeps bytes that are no records, each stretch in a file named after its position, for whoever
 * wants to look.
 */
export class Quarantine {
  /** Damaged stretches met. */
  count = 0;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #log: Log;
  #last: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, log: Log) {
    this.#disk = disk;
    this.#directory = `${directory}/quarantine`;
    this.#log = log;
  }

  take({ position, bytes }: Damage): void {
    this.count += 1;
    this.#log.error('records of the journal are damaged: kept aside, reading goes on behind them', {
      position,
      bytes: bytes.length,
    });
    if (this.count > MOST_FILES) return;
    const copy = Buffer.from(bytes.subarray(0, MOST_BYTES));
    this.#last = this.#last
      .then(() => this.#keep(position, copy))
      .catch((error: unknown) => {
        // The bytes stay in their segment as long as that is kept.
        this.#log.warn('damaged bytes could not be kept aside', { errno: errnoOf(error) });
      });
  }

  /** Resolves when everything has been kept. */
  close(): Promise<void> {
    return this.#last;
  }

  async #keep(position: number, bytes: Buffer): Promise<void> {
    await this.#disk.makeDirectory(this.#directory);
    await replaceFile(this.#disk, this.#directory, `${position}.bin`, [bytes]);
  }
}
