import type { Clock, Timer } from './clock.ts';

/** How often resident memory is looked at, in ms. */
const LOOK_MS = 50;
/** Growth that is collected at once. */
const GROWTH_BYTES = 48 * 1024 * 1024;

/** The process's memory as this needs it. */
export type Memory = {
  /** Bytes that are resident. */
  readonly resident: () => number;
  /** Collects all garbage before it returns: 10 to 20 ms on a heap of 35 MiB. */
  readonly collect: () => void;
};

const ownMemory: Memory = {
  resident: () => process.memoryUsage.rss(),
  collect: () => Bun.gc(true),
};

/**
 * Keeps garbage from being resident memory. The engine lets it grow in proportion to the machine's
 * memory, of which a container has a small part: under flood (35 MiB of it live) it was seen to
 * take 200 MiB more. Collects when resident memory has grown by 48 MiB since the last time or since
 * it was lowest; memory that is really used only moves where the next growth is counted from.
 */
export const collectGrowth = (clock: Clock, memory: Memory = ownMemory): Timer => {
  let least = memory.resident();
  return clock.every(LOOK_MS, () => {
    const resident = memory.resident();
    least = Math.min(least, resident);
    if (resident - least < GROWTH_BYTES) return;
    memory.collect();
    least = memory.resident();
  });
};
