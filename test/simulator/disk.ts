import type { Disk, DiskFile } from '../../src/journal/disk.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { FaultCount, FaultKind } from './faults.ts';
import { Inode } from './inode.ts';
import type { Chance } from './random.ts';

/** How the disk misbehaves. Probabilities are per call; times in ms; a mean of 0 = never. */
export type DiskPlan = {
  readonly syncMs: readonly [least: number, most: number];
  readonly slow: number;
  readonly writeFailed: number;
  readonly syncFailed: number;
  /** Of making, renaming and removing names, and of syncing them. */
  readonly nameFailed: number;
  readonly readFailed: number;
  /** Mean time between being full. */
  readonly full: number;
  /** Mean time between having little space left, which is not full. */
  readonly short: number;
};

export const NO_DISK_FAULTS: DiskPlan = {
  syncMs: [0, 5],
  slow: 0,
  writeFailed: 0,
  syncFailed: 0,
  nameFailed: 0,
  readFailed: 0,
  full: 0,
  short: 0,
};

/** Told of what reaches the segments of a journal. */
export type Onlooker = {
  /** These bytes have reached the kernel, though the call may have failed. */
  wrote(inode: Inode, at: number, bytes: Buffer): void;
  /** More may be safe than before. */
  synced(): void;
  /** A write or a sync has failed, and not for want of space. */
  broke(): void;
};

export type DiskParts = {
  readonly plan: DiskPlan;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: FaultCount;
};

const SLOW_MS = [200, 5000] as const;
const FULL_MS = [300, 12_000] as const;
/** A file that cannot be read is given up by the program after a third time. */
const MOST_READ_FAILURES = 2;
const ROOMY = 2 ** 40;

/** Files that have a name, and those that would have one after a power loss. */
export type Files = { readonly named: ReadonlySet<Inode>; readonly durable: ReadonlySet<Inode> };

/** A change of names that a power loss may take back. */
type Change = { readonly directory: string; readonly apply: (names: Map<string, Inode>) => void };

/** Which file, and where in it, for whoever looks on. */
export type SimulatedFile = DiskFile & { readonly inode: Inode };

/**
 * A disk in memory. What was written is there for every reader at once, and after a power loss only
 * where it was synced: bytes by their file's sync, names by their directory's. Of the rest any part
 * may be left, in any order.
 */
export class SimulatedDisk implements Disk {
  readonly #parts: DiskParts;
  #names = new Map<string, Inode>();
  readonly #durable = new Map<string, Inode>();
  #changes: Change[] = [];
  /** Rises with every power loss: calls from before it have no effect any more. */
  #power = 0;
  #isFull = false;
  #isShort = false;
  #calm = false;
  readonly #unread = new Map<string, number>();
  /** Looks on; undefined while nobody does. */
  onlooker: Onlooker | undefined;

  constructor(parts: DiskParts) {
    this.#parts = parts;
    const { full, short } = parts.plan;
    this.#sometimes(full, 'disk_full', (is) => (this.#isFull = is));
    this.#sometimes(short, 'disk_short', (is) => (this.#isShort = is));
  }

  /** From now on nothing more goes wrong. */
  calm(): void {
    this.#calm = true;
    this.#isFull = false;
    this.#isShort = false;
  }

  files(): Files {
    return { named: new Set(this.#names.values()), durable: new Set(this.#durable.values()) };
  }

  /** Names that begin so. */
  names(prefix: string): readonly string[] {
    return [...this.#names.keys()].filter((name) => name.startsWith(prefix));
  }

  losePower(): void {
    const { chance } = this.#parts;
    const loss = chance.pick(['all', 'later', 'any', 'any', 'none']);
    const upTo = chance.integer(0, this.#changes.length);
    for (const [at, change] of this.#changes.entries()) {
      const kept = { all: false, later: at < upTo, any: chance.happens(0.5), none: true }[loss];
      if (kept) change.apply(this.#durable);
    }
    for (const inode of new Set(this.#durable.values())) inode.losePower(loss, chance);
    this.#power += 1;
    this.#changes = [];
    this.#names = new Map(this.#durable);
  }

  async makeDirectory(): Promise<void> {
    await this.#called();
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#called();
    const inside = [...this.#names.keys()].filter((name) => directoryOf(name) === path);
    return inside.map((name) => name.slice(path.length + 1));
  }

  async create(path: string): Promise<SimulatedFile> {
    if (this.#names.has(path)) throw errno('EEXIST');
    if (this.#isFull && this.#parts.chance.happens(0.5)) throw errno('ENOSPC');
    this.#mayFailToName();
    const inode = new Inode();
    this.#change(path, (names) => names.set(path, inode));
    await this.#called();
    return this.#file(path, inode);
  }

  async open(path: string): Promise<SimulatedFile> {
    await this.#called();
    return this.#file(path, this.#inode(path));
  }

  async truncate(path: string, size: number): Promise<void> {
    this.#inode(path).truncate(size);
    await this.#called();
  }

  async rename(from: string, to: string): Promise<void> {
    this.#mayFailToName();
    const inode = this.#inode(from);
    this.#change(to, (names) => {
      if (names.get(from) === inode) names.delete(from);
      names.set(to, inode);
    });
    await this.#called();
  }

  async remove(path: string): Promise<void> {
    this.#mayFailToName();
    const inode = this.#names.get(path);
    if (inode !== undefined) {
      this.#change(path, (names) => {
        if (names.get(path) === inode) names.delete(path);
      });
    }
    await this.#called();
  }

  async syncDirectory(path: string): Promise<void> {
    if (this.#strikes('nameFailed', 'disk_name_failed')) {
      this.onlooker?.broke();
      throw errno('EIO');
    }
    const power = this.#power;
    const begun = new Set(this.#changes.filter(({ directory }) => directory === path));
    await this.#takes(this.#syncMs());
    if (power !== this.#power) return;
    this.#changes = this.#changes.filter((change) => {
      if (begun.has(change)) change.apply(this.#durable);
      return !begun.has(change);
    });
    this.onlooker?.synced();
  }

  async freeBytes(): Promise<number> {
    await this.#called();
    return this.#isFull || this.#isShort ? 4096 : ROOMY;
  }

  // On another thread it would end when it ends, and no life would be lived twice.
  pack(bytes: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(Bun.zstdCompressSync(bytes, { level: 1 }));
  }

  unpack(bytes: Uint8Array): Promise<Buffer> {
    return Promise.try(() => Bun.zstdDecompressSync(bytes));
  }

  #file(path: string, inode: Inode): SimulatedFile {
    return {
      inode,
      write: (bytes, at) => Promise.try(() => this.#write(path, inode, bytes, at)),
      read: async (bytes, at) => {
        this.#mayFailToRead(path);
        await this.#called();
        return inode.read(bytes, at);
      },
      sync: () => this.#sync(path, inode),
      stat: async () => {
        await this.#called();
        return { size: inode.size, writtenAt: inode.writtenAt };
      },
      close: () => this.#called(),
    };
  }

  #write(path: string, inode: Inode, given: Uint8Array, at: number): void {
    const bytes = Buffer.from(given);
    const fails = this.#strikes('writeFailed', 'disk_write_failed');
    const isWhole = !this.#isFull && !fails;
    const length = isWhole ? bytes.length : this.#parts.chance.integer(0, bytes.length - 1);
    const written = bytes.subarray(0, length);
    inode.write(written, at);
    inode.writtenAt = this.#parts.clock.now();
    if (isSegment(path)) this.onlooker?.wrote(inode, at, written);
    if (isWhole) return;
    if (isSegment(path) && fails) this.onlooker?.broke();
    throw errno(fails ? 'EIO' : 'ENOSPC');
  }

  async #sync(path: string, inode: Inode): Promise<void> {
    const power = this.#power;
    const end = inode.sync();
    const fails = this.#strikes('syncFailed', 'disk_sync_failed');
    await this.#takes(this.#syncMs());
    if (power !== this.#power) return;
    end(fails ? 'badly' : 'well');
    if (!fails) this.onlooker?.synced();
    else if (isSegment(path)) this.onlooker?.broke();
    if (fails) throw errno('EIO');
  }

  #syncMs(): number {
    const { plan, chance } = this.#parts;
    if (this.#strikes('slow', 'disk_slow')) return chance.between(...SLOW_MS);
    return chance.between(...plan.syncMs);
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw errno('ENOENT');
    return inode;
  }

  #change(path: string, apply: Change['apply']): void {
    apply(this.#names);
    this.#changes.push({ directory: directoryOf(path), apply });
  }

  #mayFailToRead(path: string): void {
    const before = this.#unread.get(path) ?? 0;
    this.#unread.delete(path);
    if (before >= MOST_READ_FAILURES || !this.#strikes('readFailed', 'disk_read_failed')) return;
    this.#unread.set(path, before + 1);
    throw errno('EIO');
  }

  #mayFailToName(): void {
    if (this.#strikes('nameFailed', 'disk_name_failed')) throw errno('EIO');
  }

  #strikes(what: keyof Omit<DiskPlan, 'syncMs'>, kind: FaultKind): boolean {
    const { plan, chance, faults } = this.#parts;
    if (this.#calm || plan[what] === 0 || !chance.happens(plan[what])) return false;
    faults.fired(kind);
    return true;
  }

  /** Answers later than the call, as every system does; only syncs take their time. */
  #called(): Promise<void> {
    return Promise.resolve();
  }

  #takes(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(ms, resolve);
    });
  }

  #sometimes(mean: number, kind: FaultKind, set: (is: boolean) => void): void {
    const { clock, chance, faults } = this.#parts;
    if (mean === 0) return;
    clock.after(chance.waitFor(mean), () => {
      if (this.#calm) return;
      faults.fired(kind);
      set(true);
      clock.after(chance.between(...FULL_MS), () => {
        set(false);
        this.#sometimes(mean, kind, set);
      });
    });
  }
}

const isSegment = (path: string): boolean => path.endsWith('.mdpj');

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

const errno = (code: string): Error => Object.assign(new Error(code), { code });
