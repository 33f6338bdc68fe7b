import { expect, test } from 'bun:test';
import { createSystemClock } from '../runtime/system-clock.ts';
import { Checkpoints } from './checkpoint.ts';
import { MemoryDisk, recordingLog } from './testing.ts';

const storeOn = (disk: MemoryDisk) => {
  const { log, lines } = recordingLog();
  const clock = createSystemClock();
  return { store: new Checkpoints({ disk, directory: '/journal', clock, log }), lines };
};

const names = (disk: MemoryDisk): string[] => [...disk.files.keys()].toSorted();

const spoil = (disk: MemoryDisk, path: string, at: number): void => {
  const { bytes } = disk.content(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
};

test('comes back as it was published, and settling may pass the older one of two', async () => {
  const disk = new MemoryDisk();
  const { store } = storeOn(disk);
  expect(await store.load()).toBeUndefined();
  expect(await store.publish({ position: 10, frames: 1 }, { n: 1 })).toBe(10);
  expect(await store.publish({ position: 20, frames: 2 }, { n: 2 })).toBe(10);
  expect(await store.publish({ position: 30, frames: 3 }, { n: 'é' })).toBe(20);
  expect(names(disk).length).toBe(2);
  const again = await storeOn(disk).store.load();
  expect(again).toMatchObject({ mark: { position: 30, frames: 3 }, state: { n: 'é' } });
});

test('damaged at any byte, the one before is used, aloud', async () => {
  const disk = new MemoryDisk();
  const { store } = storeOn(disk);
  await store.publish({ position: 10, frames: 1 }, 'first');
  await store.publish({ position: 20, frames: 2 }, 'second');
  const newest = names(disk)[1] ?? '';
  for (let at = 0; at < disk.content(newest).bytes.length; at += 1) {
    spoil(disk, newest, at);
    const { store: again, lines } = storeOn(disk);
    expect((await again.load())?.state).toBe('first');
    expect(lines.map(({ level }) => level)).toEqual(['error']);
    spoil(disk, newest, at);
  }
});

test('a crash while one is published leaves the last one', async () => {
  for (const call of ['create', 'write', 'sync', 'rename'] as const) {
    const disk = new MemoryDisk();
    const { store } = storeOn(disk);
    await store.publish({ position: 10, frames: 1 }, 'first');
    disk.fail = (now) => (now === call ? 'EIO' : undefined);
    expect(store.publish({ position: 20, frames: 2 }, 'second')).rejects.toThrow('EIO');
    await store.publish({ position: 20, frames: 2 }, 'second').catch(() => undefined);
    const after = disk.crash(() => false);
    expect((await storeOn(after).store.load())?.state).toBe('first');
    disk.fail = () => undefined;
    expect(await store.publish({ position: 30, frames: 3 }, 'third')).toBe(10);
  }
});

test('of a later version is refused, with the cure', async () => {
  const disk = new MemoryDisk();
  const { store } = storeOn(disk);
  await store.publish({ position: 10, frames: 1 }, null);
  const [name = ''] = names(disk);
  const { bytes } = disk.content(name);
  bytes.writeUInt32LE(2, 4);
  const rest = Buffer.concat([bytes.subarray(0, 8), bytes.subarray(12)]);
  bytes.writeUInt32LE(Bun.hash.crc32(rest), 8);
  expect(storeOn(disk).store.load()).rejects.toThrow('format 2');
});
