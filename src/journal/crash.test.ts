import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { FrameRecord, MarketRecord } from '../market/record.ts';
import type { Journal } from './journal.ts';
import type { Mark } from './record-buffer.ts';
import {
  frame,
  journalOn,
  MemoryDisk,
  never,
  recordsOf,
  takeBlocks,
  takeRecords,
  tick,
  until,
} from './testing.ts';

/**
 * The journal against a model that is four numbers: whatever is appended, taken, settled and
 * synced, and wherever the power goes, all that was synced and not settled is read once and in
 * order, and nothing else than was appended.
 */
const step = (what: Step['what'], weight: number, most: number) => ({
  weight,
  arbitrary: fc.record({ what: fc.constant(what), count: fc.integer({ min: 1, max: most }) }),
});

type Step = {
  readonly what: 'push' | 'together' | 'take' | 'turn' | 'failSync' | 'checkpoint' | 'crash';
  readonly count: number;
};

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    step('push', 4, 400),
    step('together', 4, 400),
    step('take', 4, 4),
    step('turn', 3, 5),
    step('failSync', 1, 1),
    step('checkpoint', 3, 1),
    step('crash', 2, 2 ** 31 - 1),
  ),
  { minLength: 1, maxLength: 40 },
);

const OPTIONS = { maxBytes: 1024 ** 2 / 2, policy: 'block', maxBlocks: 3, fsyncMs: 1 } as const;

const recordOf = (n: number): MarketRecord =>
  n % 37 === 0 ? tick(n) : frame(n, `${n} `.padEnd(20 + (n % 200), n % 2 === 0 ? 'x' : 'é'));

const numberOf = (record: MarketRecord): number => record.receiveTime - 1_000_000;

/** Drives one journal and holds what comes out of it against the numbers that went in. */
class Trial {
  #disk = new MemoryDisk();
  #journal: Journal | undefined;
  #from: Mark | undefined;
  #appended = 0;
  /** What a crash has left and what was appended since; those below `#synced` are on disk. */
  #present = new Set<number>();
  #synced = 0;
  /** The checkpoint has given up what is below it. */
  #settled = 0;
  /** The last one taken; the next must be greater. */
  #taken = -1;

  async do({ what, count }: Step): Promise<void> {
    const journal = this.#journal ?? (await this.#open());
    if (what === 'push') {
      for (let i = 0; i < count && !journal.full; i += 1) {
        journal.push(recordOf(this.#appended));
        this.#present.add(this.#appended);
        this.#appended += 1;
      }
    } else if (what === 'together') {
      this.#together(journal, count);
    } else if (what === 'take') {
      for (let i = 0; i < count; i += 1)
        this.#check(recordsOf([journal.take()].filter((one) => one !== undefined)));
    } else if (what === 'turn') {
      for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
    } else if (what === 'failSync') {
      let left = count;
      this.#disk.fail = (call) => (call === 'sync' && left-- > 0 ? 'EIO' : undefined);
    } else if (what === 'checkpoint') await this.#checkpoint(journal);
    else await this.crash(count);
  }

  /** Frames up to the next tick are a group. */
  #together(journal: Journal, count: number): void {
    const frames: FrameRecord[] = [];
    for (let i = 0; i < count && !journal.full; i += 1) {
      const record = recordOf(this.#appended + frames.length);
      if (record.kind === 'frame') frames.push(record);
      if (record.kind === 'frame' && i < count - 1) continue;
      this.#pushFrames(journal, frames.splice(0));
      if (record.kind === 'frame') continue;
      journal.push(record);
      this.#present.add(this.#appended);
      this.#appended += 1;
    }
    this.#pushFrames(journal, frames);
  }

  #pushFrames(journal: Journal, frames: readonly FrameRecord[]): void {
    journal.pushFrames(frames);
    for (const _ of frames) this.#present.add(this.#appended++);
  }

  async #open(): Promise<Journal> {
    const { journal } = await journalOn(this.#disk, { ...OPTIONS, from: this.#from });
    this.#journal = journal;
    this.#taken = this.#settled - 1;
    return journal;
  }

  async #checkpoint(journal: Journal): Promise<void> {
    const mark = journal.taken;
    const [taken, appended] = [this.#taken, this.#appended];
    await journal.persist(journal.end.position, never);
    this.#synced = appended;
    this.#from = mark;
    this.#settled = taken + 1;
    journal.settle(mark.position);
  }

  /**
   * The power goes; of the pages not synced a third is there. Then everything that is left is read.
   */
  async crash(seed: number): Promise<void> {
    const journal = this.#journal ?? (await this.#open());
    let random = seed;
    const after = this.#disk.crash(() => {
      random = (random * 48_271) % 2_147_483_647;
      return random % 3 === 0;
    });
    await journal.release(AbortSignal.abort());
    this.#disk = after;
    const again = await this.#open();
    again.close();
    const numbers = recordsOf(await takeBlocks(again)).map(numberOf);
    this.#check(numbers.map(recordOf));
    const found = new Set(numbers);
    for (const n of this.#present) {
      if (n >= this.#settled && n < this.#synced) expect(found.has(n)).toBe(true);
    }
    await again.release(never);
    this.#present = found;
    this.#synced = this.#appended;
    this.#journal = undefined;
  }

  #check(records: readonly MarketRecord[]): void {
    for (const record of records) {
      const n = numberOf(record);
      expect(n).toBeGreaterThan(this.#taken);
      expect(n).toBeLessThan(this.#appended);
      expect(record).toEqual(recordOf(n));
      this.#taken = n;
    }
  }
}

test('what was synced, not settled is read once, in order, wherever the power goes', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => {
      const trial = new Trial();
      for (const one of chosen) await trial.do(one);
      await trial.crash(1);
      await trial.crash(2);
    }),
    { numRuns: 100 },
  );
}, 60_000);

test('what a killed process had not synced is safe once the next one has opened it', async () => {
  const disk = new MemoryDisk();
  const killed = await journalOn(disk, { fsyncMs: 60_000 });
  const sent = Array.from({ length: 500 }, (_, n) => frame(n));
  for (const record of sent) killed.journal.push(record);
  expect(await takeRecords(killed.journal, sent.length)).toEqual(sent);
  await journalOn(disk);
  const after = disk.crash(() => false);
  const { journal } = await journalOn(after);
  journal.close();
  expect(recordsOf(await takeBlocks(journal))).toEqual(sent);
  await journal.release(never);
});

test('what a failed sync has left is read where less of its second copy is there', async () => {
  const disk = new MemoryDisk();
  const killed = await journalOn(disk, { fsyncMs: 60_000 });
  const sent = Array.from({ length: 500 }, (_, n) => frame(n));
  for (const record of sent.slice(0, 200)) killed.journal.push(record);
  await killed.journal.persist(killed.journal.end.position, never);
  for (const record of sent.slice(200)) killed.journal.push(record);
  let failing = 1;
  disk.fail = (call) => (call === 'sync' && failing-- > 0 ? 'EIO' : undefined);
  await killed.journal.persist(killed.journal.end.position, never);
  const [first = '', second = ''] = [...disk.files.keys()];
  for (const left of [0, 30, 1000]) {
    const content = disk.content(second);
    const after = new MemoryDisk();
    after.files.set(first, disk.content(first));
    after.files.set(second, { ...content, bytes: content.bytes.subarray(0, left) });
    const { journal } = await journalOn(after);
    for (const record of [frame(500), frame(501)]) journal.push(record);
    await journal.release(never);
    const again = await journalOn(after);
    again.journal.close();
    const found = recordsOf(await takeBlocks(again.journal));
    expect(found).toEqual([...sent, frame(500), frame(501)]);
    expect(again.journal.report().lostFrames).toBe(0);
    await again.journal.release(never);
  }
});

test.each([
  ['while it can be written nowhere else', 'EIO', [1, 500]],
  ['unless the disk has no room for both', 'ENOSPC', [0, 0]],
])('a segment that could not be synced outlives its process %s', async (_when, code, outcome) => {
  const disk = new MemoryDisk();
  const killed = await journalOn(disk, { fsyncMs: 60_000 });
  const sent = Array.from({ length: 500 }, (_, n) => frame(n));
  for (const record of sent) killed.journal.push(record);
  expect(await takeRecords(killed.journal, sent.length)).toEqual(sent);
  disk.fail = (call) => {
    if (call === 'create') return code;
    return call === 'sync' ? 'EIO' : undefined;
  };
  void killed.journal.persist(killed.journal.end.position, AbortSignal.timeout(100));
  await until(() => killed.journal.report().errno === code);
  const after = new MemoryDisk();
  for (const [name, content] of disk.files) after.files.set(name, { ...content });
  const { journal } = await journalOn(after);
  journal.close();
  expect([after.files.size, recordsOf(await takeBlocks(journal)).length]).toEqual(outcome);
  await journal.release(never);
  disk.fail = () => undefined;
  await killed.journal.persist(killed.journal.end.position, never);
  expect(disk.files.size).toBe(1);
  await killed.journal.release(never);
});

test('a segment that was synced stays when the sync of the next one fails', async () => {
  const disk = new MemoryDisk();
  const killed = await journalOn(disk, { maxBytes: 1024 ** 2 / 2, fsyncMs: 60_000 });
  const sent = Array.from({ length: 200 }, (_, n) => frame(n, 'x'.repeat(500)));
  for (const record of sent) killed.journal.push(record);
  const { promise, resolve } = Promise.withResolvers<MemoryDisk>();
  let synced = 0;
  disk.fail = (call) => {
    synced += call === 'sync' ? 1 : 0;
    if (call !== 'sync' || synced !== 2) return undefined;
    setImmediate(() => resolve(disk.crash(() => false)));
    return 'EIO';
  };
  const persisted = killed.journal.persist(killed.journal.end.position, never);
  const { journal } = await journalOn(await promise);
  journal.close();
  const found = recordsOf(await takeBlocks(journal));
  expect(found.length).toBeGreaterThan((64 * 1024) / 600);
  expect(found).toEqual(sent.slice(0, found.length));
  await journal.release(never);
  expect(await persisted).toBe(true);
  const failed = killed.lines.find(({ message }) => message.startsWith('a sync'))?.fields;
  expect(Number(String(failed?.['file']).split('-')[0])).toBe(Number(failed?.['position']));
  await killed.journal.release(never);
});
