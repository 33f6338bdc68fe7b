import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { createDisk, errnoOf, readBytes, replaceFile, type Disk } from './disk.ts';
import type { Mark, Position } from './record-buffer.ts';

/**
 * The checkpoint: what the program must remember to go on at a mark of the journal. The last two
 * are kept, in files of their own that appear whole or not at all; a damaged one gives way to the
 * one before, aloud. Version 1:
 *
 *     0 'mdpc' · 4 u32 version · 8 u32 CRC-32 of all the rest · 12 f64 position · 20 f64 frames
 *     28 f64 written at, µs since the epoch · 36 the state as JSON in UTF-8
 */
export type Checkpoint = {
  readonly mark: Mark;
  readonly writtenAt: number;
  readonly state: unknown;
};

const MAGIC = 0x6370646d;
const VERSION = 1;
const HEAD_BYTES = 36;
const CRC_AT = 8;
const KEPT = 2;

export type CheckpointsOptions = {
  readonly disk?: Disk;
  /** The journal's, which is locked. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
};

type Kept = { readonly number: number; readonly position: Position };

export class Checkpoints {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Oldest first; those that can be read. */
  readonly #kept: Kept[] = [];
  #number = 0;

  constructor({ disk, directory, clock, log }: CheckpointsOptions) {
    this.#disk = disk ?? createDisk();
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The newest checkpoint that is whole; undefined when there is none. Throws `MdpError`
   * `schema_newer` for the version of a later program.
   */
  async load(): Promise<Checkpoint | undefined> {
    const numbers = await this.#numbers();
    this.#number = numbers.at(-1) ?? 0;
    let newest: Checkpoint | undefined;
    for (const number of numbers) {
      const checkpoint = decodeCheckpoint(await readBytes(this.#disk, this.#path(number)));
      if (checkpoint === undefined) this.#tellDamage(number);
      else {
        newest = checkpoint;
        this.#kept.push({ number, position: checkpoint.mark.position });
      }
    }
    return newest;
  }

  /**
   * Puts a checkpoint on disk. The journal must have persisted everything before the mark. Resolves
   * with the position that the journal may settle: the older of the two that are kept. Rejects with
   * the system's error; the last one stays.
   */
  async publish(mark: Mark, state: unknown): Promise<Position> {
    const number = this.#number + 1;
    const parts = encodeCheckpoint({ mark, state, writtenAt: this.#clock.now() });
    await replaceFile(this.#disk, this.#directory, nameOf(number), parts);
    this.#number = number;
    this.#kept.push({ number, position: mark.position });
    while (this.#kept.length > KEPT) {
      const oldest = this.#kept.shift();
      if (oldest !== undefined) await this.#disk.remove(this.#path(oldest.number));
    }
    return this.#kept[0]?.position ?? mark.position;
  }

  async #numbers(): Promise<readonly number[]> {
    const numbers: number[] = [];
    for (const file of await this.#files()) {
      const match = /^checkpoint-(\d{10})\.mdpc$/.exec(file);
      if (match !== null) numbers.push(Number(match[1]));
    }
    return numbers.toSorted((a, b) => a - b);
  }

  /** None where the journal has not made its directory yet. */
  async #files(): Promise<readonly string[]> {
    try {
      return await this.#disk.list(this.#directory);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  #path(number: number): string {
    return `${this.#directory}/${nameOf(number)}`;
  }

  #tellDamage(number: number): void {
    this.#log.error('a checkpoint is damaged: the one before it is used', {
      file: nameOf(number),
    });
  }
}

const nameOf = (number: number): string => `checkpoint-${String(number).padStart(10, '0')}.mdpc`;

const encodeCheckpoint = ({ mark, state, writtenAt }: Checkpoint): readonly Buffer[] => {
  const head = Buffer.alloc(HEAD_BYTES);
  const body = Buffer.from(JSON.stringify(state));
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(VERSION, 4);
  head.writeDoubleLE(mark.position, 12);
  head.writeDoubleLE(mark.frames, 20);
  head.writeDoubleLE(writtenAt, 28);
  head.writeUInt32LE(crcOf(head, body), CRC_AT);
  return [head, body];
};

/** undefined where the bytes are no whole checkpoint. */
const decodeCheckpoint = (bytes: Buffer): Checkpoint | undefined => {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  const head = bytes.subarray(0, HEAD_BYTES);
  const body = bytes.subarray(HEAD_BYTES);
  if (bytes.readUInt32LE(CRC_AT) !== crcOf(head, body)) return undefined;
  const version = bytes.readUInt32LE(4);
  if (version !== VERSION) {
    throw new MdpError('schema_newer', `the checkpoint has format ${version}, not ${VERSION}`, {
      hint: 'run the version of mdp that wrote it, or give this one another journal.dir',
      context: { version },
    });
  }
  const state: unknown = JSON.parse(body.utf8Slice());
  return {
    mark: { position: bytes.readDoubleLE(12), frames: bytes.readDoubleLE(20) },
    writtenAt: bytes.readDoubleLE(28),
    state,
  };
};

const crcOf = (head: Buffer, body: Buffer): number =>
  [head.subarray(0, CRC_AT), head.subarray(CRC_AT + 4), body].reduce(
    (crc, part) => Bun.hash.crc32(part, crc),
    0,
  );
