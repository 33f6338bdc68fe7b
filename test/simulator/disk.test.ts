import { describe, expect, test } from 'bun:test';
import { readBytes, replaceFile } from '../../src/journal/disk.ts';
import { NO_DISK_FAULTS, SimulatedDisk, type DiskPlan } from './disk.ts';
import { FaultCount } from './faults.ts';
import { Chance } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

const PAGES = 40;
const page = (n: number): Buffer => Buffer.alloc(512, `page ${n} `);

const diskOf = (seed: number, plan: Partial<DiskPlan> = {}) => {
  const clock = new VirtualClock(0);
  const faults = new FaultCount();
  const parts = { plan: { ...NO_DISK_FAULTS, ...plan }, clock, chance: new Chance(seed), faults };
  const disk = new SimulatedDisk(parts);
  const done = async <T>(call: Promise<T>): Promise<T> => {
    await clock.until(call, 1000);
    return call;
  };
  return { disk, done };
};

/** A file of `PAGES` pages, of which so many are synced before the power goes. */
const afterPowerLoss = async (seed: number, synced: number, named: boolean) => {
  const { disk, done } = diskOf(seed);
  const file = await done(disk.create('/dir/file'));
  for (let n = 0; n < synced; n += 1) await file.write(page(n), n * 512);
  if (synced > 0) await done(file.sync());
  for (let n = synced; n < PAGES; n += 1) await file.write(page(n), n * 512);
  if (named) await done(disk.syncDirectory('/dir'));
  expect((await done(readBytes(disk, '/dir/file'))).length).toBe(PAGES * 512);
  disk.losePower();
  const names = await done(disk.list('/dir'));
  const bytes = names.length === 0 ? undefined : await done(readBytes(disk, '/dir/file'));
  return bytes?.toString();
};

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

describe('the simulated disk', () => {
  test('keeps what was synced and named, whatever goes with the power', async () => {
    const outcomes = new Set<string>();
    for (const seed of seeds) {
      const bytes = (await afterPowerLoss(seed, 20, true)) ?? '';
      for (let n = 0; n < 20; n += 1) expect(bytes).toContain(page(n).toString());
      const kept = Array.from({ length: PAGES }, (_, n) => bytes.includes(page(n).toString()));
      outcomes.add(kept.map(Number).join(''));
    }
    const [all, none] = ['1'.repeat(PAGES), '1'.repeat(20) + '0'.repeat(20)];
    expect(outcomes).toContain(all);
    expect(outcomes).toContain(none);
    // Out of order: a later page is there without the one before it.
    expect([...outcomes].some((kept) => kept.slice(20).includes('01'))).toBe(true);
  });

  test('may lose the name of a file whose bytes were synced', async () => {
    const found = await Promise.all(seeds.map((seed) => afterPowerLoss(seed, PAGES, false)));
    expect(found.some((bytes) => bytes === undefined)).toBe(true);
    expect(found.some((bytes) => bytes?.length === PAGES * 512)).toBe(true);
  });

  test('has the old file or the new one after a replacement that the power cuts', async () => {
    for (const seed of seeds) {
      const { disk, done } = diskOf(seed);
      await done(replaceFile(disk, '/dir', 'file', [page(1)]));
      const replaced = replaceFile(disk, '/dir', 'file', [page(2)]);
      for (let turns = 0; turns < seed % 12; turns += 1) await Promise.resolve();
      disk.losePower();
      replaced.catch(() => undefined);
      const text = (await done(readBytes(disk, '/dir/file'))).toString();
      expect([page(1).toString(), page(2).toString()]).toContain(text);
    }
  });

  test('never trusts a page again whose sync has failed, until it is written anew', async () => {
    let lost = 0;
    for (const seed of seeds) {
      const { disk, done } = diskOf(seed, { syncFailed: 0.5 });
      const file = await done(disk.create('/dir/file'));
      await done(disk.syncDirectory('/dir'));
      await file.write(page(1), 0);
      const ended = await done(
        file
          .sync()
          .then(() => 'well' as const)
          .catch(() => 'badly' as const),
      );
      disk.calm();
      await done(file.sync());
      disk.losePower();
      const isThere = (await done(readBytes(disk, '/dir/file'))).toString() === page(1).toString();
      if (ended === 'well') expect(isThere).toBe(true);
      else if (!isThere) lost += 1;
    }
    expect(lost).toBeGreaterThan(5);
  });
});
