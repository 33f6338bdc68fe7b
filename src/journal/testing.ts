import { receiveTime } from '../market/time.ts';
import type { FrameRecord, MarketRecord, StateRecord, TickRecord } from '../market/record.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log, LogFields } from '../runtime/log.ts';
import { createSystemClock } from '../runtime/system-clock.ts';
import type { Disk, DiskFile } from './disk.ts';
import { viewOf } from './format.ts';
import type { Journal } from './journal.ts';
import { openJournal, type OpenOptions } from './open.ts';
import { recordsIn, type Block } from './block.ts';
import type { MemoryShare } from './record-buffer.ts';

/**
 * What the journal's tests share: a disk that can lose what was not synced, and records that tell
 * their order.
 */
const PAGE = 512;

type Content = { bytes: Buffer; synced: Buffer; writtenAt: number };

/** Calls of a disk that a test can make fail. */
export type DiskCall = 'create' | 'write' | 'read' | 'sync' | 'rename' | 'remove';

/**
 * A disk in memory. What was written and not synced is lost by `crash`, page by page as the test
 * decides; names that were not synced go too. `fail` decides before each call whether it fails, and
 * with which errno.
 */
export class MemoryDisk implements Disk {
  fail: (call: DiskCall, path: string) => string | undefined = () => undefined;
  free = Number.MAX_SAFE_INTEGER;
  /** Syncs end behind it. */
  hold: Promise<void> = Promise.resolve();
  readonly files = new Map<string, Content>();
  readonly #names = new Set<string>();

  makeDirectory(): Promise<void> {
    return Promise.resolve();
  }

  list(path: string): Promise<readonly string[]> {
    const inside = [...this.files.keys()].filter((name) => name.startsWith(`${path}/`));
    const names = inside.map((name) => name.slice(path.length + 1));
    return Promise.resolve(names.filter((name) => !name.includes('/')));
  }

  async create(path: string): Promise<DiskFile> {
    await this.#call('create', path);
    if (this.files.has(path)) throw errno('EEXIST');
    const content: Content = {
      bytes: Buffer.alloc(0),
      synced: Buffer.alloc(0),
      writtenAt: 0,
    };
    this.files.set(path, content);
    return this.#file(path, content);
  }

  async open(path: string): Promise<DiskFile> {
    await Promise.resolve();
    return this.#file(path, this.content(path));
  }

  async truncate(path: string, size: number): Promise<void> {
    await Promise.resolve();
    const content = this.content(path);
    content.bytes = content.bytes.subarray(0, size);
    content.synced = Buffer.from(content.bytes);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call('rename', from);
    this.files.set(to, this.content(from));
    this.files.delete(from);
  }

  async remove(path: string): Promise<void> {
    await this.#call('remove', path);
    this.files.delete(path);
  }

  syncDirectory(path: string): Promise<void> {
    for (const name of this.files.keys()) if (name.startsWith(path)) this.#names.add(name);
    return Promise.resolve();
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(this.free);
  }

  pack(bytes: Uint8Array): Promise<Uint8Array> {
    return Bun.zstdCompress(bytes);
  }

  unpack(bytes: Uint8Array): Promise<Buffer> {
    return Bun.zstdDecompress(bytes);
  }

  content(path: string): Content {
    const content = this.files.get(path);
    if (content === undefined) throw errno('ENOENT');
    return content;
  }

  /**
   * The machine loses power: of each page that was not synced, `keeps` decides whether it had been
   * written.
   */
  crash(keeps: () => boolean): MemoryDisk {
    const after = new MemoryDisk();
    for (const [path, { bytes, synced, writtenAt }] of this.files) {
      if (!this.#names.has(path) && !keeps()) continue;
      const left = Buffer.alloc(bytes.length);
      synced.copy(left);
      let length = synced.length;
      for (let at = 0; at < bytes.length; at += PAGE) {
        if (!keeps()) continue;
        bytes.copy(left, at, at, at + PAGE);
        length = Math.max(length, Math.min(bytes.length, at + PAGE));
      }
      const content = left.subarray(0, Math.min(length, left.length));
      after.files.set(path, { bytes: content, synced: Buffer.from(content), writtenAt });
      after.#names.add(path);
    }
    return after;
  }

  #file(path: string, content: Content): DiskFile {
    return {
      write: async (bytes, at) => {
        const copy = Buffer.from(bytes);
        await this.#call('write', path);
        const grown = Buffer.alloc(Math.max(content.bytes.length, at + copy.length));
        content.bytes.copy(grown);
        copy.copy(grown, at);
        content.bytes = grown;
        content.writtenAt = createSystemClock().now();
      },
      read: async (bytes, at) => {
        await this.#call('read', path);
        return at < content.bytes.length ? content.bytes.copy(bytes, 0, at) : 0;
      },
      sync: async () => {
        const written = Buffer.from(content.bytes);
        await this.hold;
        await this.#call('sync', path);
        content.synced = written;
      },
      stat: () => Promise.resolve({ size: content.bytes.length, writtenAt: content.writtenAt }),
      close: () => Promise.resolve(),
    };
  }

  async #call(call: DiskCall, path: string): Promise<void> {
    await Promise.resolve();
    const code = this.fail(call, path);
    if (code !== undefined) throw errno(code);
  }
}

const errno = (code: string): Error => Object.assign(new Error(code), { code });

export const frame = (n: number, text = `{"n":${n}}`, source = 'venue'): FrameRecord => ({
  kind: 'frame',
  receiveTime: receiveTime(1_000_000 + n),
  source,
  connection: 1,
  text,
});

export const tick = (n: number): TickRecord => ({
  kind: 'tick',
  receiveTime: receiveTime(1_000_000 + n),
  source: 'venue',
  connection: 1,
  arrival: receiveTime(1_000_000 + n),
});

export const state = (n: number, what: StateRecord['state'] = 'connected'): StateRecord => ({
  kind: 'state',
  receiveTime: receiveTime(1_000_000 + n),
  source: 'venue',
  connection: 1,
  state: what,
  symbols: ['BTCUSDT'],
  count: 0,
});

export class Memory implements MemoryShare {
  bytes = 0;
  full = false;
  limit = Number.POSITIVE_INFINITY;
  addBlocks(bytes: number): void {
    this.bytes += bytes;
  }
}

export type Line = { readonly level: string; readonly message: string; readonly fields: LogFields };

export const recordingLog = (): { readonly log: Log; readonly lines: Line[] } => {
  const lines: Line[] = [];
  const say =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const log: Log = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    with: () => log,
  };
  return { log, lines };
};

export const never = new AbortController().signal;

/** An open journal on a disk in memory, and what it did. */
export const journalOn = async (
  disk: Disk,
  changes: Partial<OpenOptions> = {},
): Promise<{
  readonly journal: Journal;
  readonly memory: Memory;
  readonly lines: Line[];
  readonly drops: { count: number };
}> => {
  const { log, lines } = recordingLog();
  const memory = new Memory();
  const drops = { count: 0 };
  const clock: Clock = createSystemClock();
  const journal = await openJournal({
    directory: '/journal',
    fsyncMs: 20,
    maxBytes: 1024 ** 3,
    minFreeBytes: 0,
    retainMs: 3_600_000,
    policy: 'oldest',
    maxBlocks: 8,
    memory,
    from: undefined,
    clock,
    random: () => 0.5,
    log,
    onDrop: (_source, count) => {
      drops.count += count;
    },
    disk,
    lock: () => ({ release: () => {} }),
    ...changes,
  });
  return { journal, memory, lines, drops };
};

/** Everything that comes until `count` records are there. */
export const takeRecords = async (journal: Journal, count: number): Promise<MarketRecord[]> => {
  const records: MarketRecord[] = [];
  while (records.length < count) {
    const block = journal.take();
    if (block === undefined) await journal.filled(never);
    else records.push(...recordsOf([block]));
  }
  return records;
};

/** Everything until the journal, which was closed, is empty. */
export const takeBlocks = async (journal: Journal): Promise<Block[]> => {
  const blocks: Block[] = [];
  for (;;) {
    const block = journal.take();
    if (block !== undefined) blocks.push(kept(block));
    else if (journal.closed) return blocks;
    else await journal.filled(never);
  }
};

export const recordsOf = (blocks: readonly Block[]): MarketRecord[] =>
  blocks.flatMap((block) => recordsIn(block).map(({ record }) => record));

export const positionsOf = (blocks: readonly Block[]): number[] =>
  blocks.flatMap((block) => recordsIn(block).map(({ position }) => position));

/** A block that outlives the next call of `take`. */
const kept = (block: Block): Block => {
  const bytes = Buffer.from(block.bytes);
  return { ...block, bytes, view: viewOf(bytes) };
};

/** Resolves once `holds` does, which something else under way must bring about. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};
