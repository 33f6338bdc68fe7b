import type { DatabasePlan } from './database.ts';
import { NO_DISK_FAULTS, type DiskPlan } from './disk.ts';
import { CRASH_POINTS, NO_DEATHS, type DeathPlan } from './process/reaper.ts';
import { Chance } from './random.ts';

export type JournalPlan = {
  readonly fsyncMs: number;
  readonly maxBytes: number;
  readonly minFreeBytes: number;
  readonly retainMs: number;
};

const MiB = 1024 * 1024;
/** Drawn beside all else; such that the first recorded seeds keep their one process in memory. */
const SALT = 1520;
const WITHOUT_JOURNAL = 0.25;

/** What a scenario has of a journal, a disk and deaths; the same of the same seed. */
export const mortality = (
  seed: number,
  database: DatabasePlan,
): {
  readonly journal: JournalPlan | undefined;
  readonly disk: DiskPlan;
  readonly deaths: DeathPlan;
  readonly database: DatabasePlan;
} => {
  const chance = new Chance(seed ^ SALT);
  if (chance.happens(WITHOUT_JOURNAL)) {
    return { journal: undefined, disk: NO_DISK_FAULTS, deaths: NO_DEATHS, database };
  }
  return {
    journal: {
      fsyncMs: chance.pick([0, 5, 50, 200, 1000]),
      maxBytes: chance.happens(0.4) ? MiB : 64 * MiB,
      minFreeBytes: chance.happens(0.5) ? MiB : 0,
      retainMs: chance.pick([0, 0, 5000, 3_600_000]),
    },
    disk: diskPlan(chance),
    deaths: deathPlan(chance),
    database: { ...database, refuses: sometimes(chance, 0.2, 5000, 30_000) },
  };
};

const diskPlan = (chance: Chance): DiskPlan => {
  const syncMs = chance.pick([
    [0, 1],
    [1, 20],
    [20, 200],
  ] as const);
  if (chance.happens(0.4)) return { ...NO_DISK_FAULTS, syncMs };
  return {
    syncMs,
    slow: sometimes(chance, 0.3, 0.01, 0.1),
    writeFailed: sometimes(chance, 0.3, 0.0005, 0.01),
    syncFailed: sometimes(chance, 0.3, 0.002, 0.1),
    nameFailed: sometimes(chance, 0.35, 0.005, 0.15),
    readFailed: sometimes(chance, 0.4, 0.02, 0.25),
    full: sometimes(chance, 0.3, 4000, 30_000),
    short: sometimes(chance, 0.3, 4000, 30_000),
  };
};

const deathPlan = (chance: Chance): DeathPlan => ({
  meanMs: sometimes(chance, 0.9, 800, 7000),
  points: CRASH_POINTS.filter((point) => chance.happens(point === 'in_upkeep' ? 0.7 : 0.35)),
  powerLoss: chance.pick([0, 0, 0.3, 1]),
  stopMs: sometimes(chance, 0.25, 5000, 20_000),
  drainMs: chance.pick([100, 1000, 5000]),
  downMs: chance.pick([
    [0, 10],
    [10, 3000],
    [1000, 20_000],
  ] as const),
});

/** 0, or with this probability a number between. */
const sometimes = (chance: Chance, probability: number, least: number, most: number): number =>
  chance.happens(probability) ? chance.between(least, most) : 0;
