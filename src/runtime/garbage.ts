import { edenGC, heapSize } from 'bun:jsc';
import type { Clock, Timer } from './clock.ts';

const MIB = 1024 * 1024;
/** How often resident memory is looked at, in ms. */
const LOOK_MS = 20;
/** Growth at which what is young is collected: what is freed is used again. */
const YOUNG_BYTES = 24 * MIB;
/**
 * Growth at which everything is, and memory given back to the system; as much as what lives on, if
 * that is more: a collection takes as long as there is of it.
 */
const GROWTH_BYTES = 48 * MIB;

/** The process's memory as this needs it. */
export type Memory = {
  /** Bytes that are resident. */
  readonly resident: () => number;
  /** Collects what was made since the last collection: 4 ms. */
  readonly collectYoung: () => void;
  /** Collects all garbage before it returns: 10 to 20 ms on a heap of 35 MiB, alone on a core. */
  readonly collectAll: () => void;
  /** Bytes that live on in the heap, right behind a collection of all. */
  readonly live: () => number;
};

const ownMemory: Memory = {
  resident: () => process.memoryUsage.rss(),
  collectYoung: edenGC,
  collectAll: () => Bun.gc(true),
  live: heapSize,
};

/**
 * Keeps garbage from being resident memory. The engine lets it grow in proportion to the machine's
 * memory, of which a container has a small part: under flood (35 MiB of it live) it was seen to
 * take 200 MiB more. Collects young garbage when resident memory has grown by 24 MiB since the last
 * time or since it was lowest, all of it when it has grown by 48 MiB since all was collected last,
 * or by what was alive then: every 48 MiB would take a fifth of the time with ten thousand
 * instruments. Memory that is really used only moves where the next growth is counted from.
 */
export const collectGrowth = (clock: Clock, memory: Memory = ownMemory): Timer => {
  let sinceAll = memory.resident();
  let sinceYoung = sinceAll;
  let growth = GROWTH_BYTES;
  return clock.every(LOOK_MS, () => {
    const resident = memory.resident();
    sinceAll = Math.min(sinceAll, resident);
    sinceYoung = Math.min(sinceYoung, resident);
    if (resident - sinceAll >= growth) {
      memory.collectAll();
      growth = Math.max(GROWTH_BYTES, memory.live());
      sinceAll = memory.resident();
      sinceYoung = sinceAll;
    } else if (resident - sinceYoung >= YOUNG_BYTES) {
      memory.collectYoung();
      sinceYoung = resident;
    }
  });
};
