/**
 * A control group of the kernel's own, as a container gets one: so much memory, so much CPU. Made
 * directly in /sys/fs/cgroup, of version 2 or 1, which needs root.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Limits = { readonly memoryBytes: number; readonly cpus: number };

export type ControlGroup = {
  /** Words before a command that put it, and all it starts, into the group. */
  readonly enter: readonly string[];
  /** The most memory that the group ever had, page cache included. */
  peakBytes(): number;
  /** Periods of CPU so far, and those in which the group had to wait for the next one. */
  periods(): { readonly all: number; readonly throttled: number };
  /** Everything in it must have ended. */
  remove(): void;
};

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

type Place = {
  /** Directories that a process is put into, and files with what they hold. */
  readonly directories: readonly string[];
  readonly settings: readonly (readonly [file: string, value: string])[];
  readonly peak: string;
  readonly cpuStat: string;
};

const ofVersion2 = (root: string, name: string, { memoryBytes, cpus }: Limits): Place => {
  const directory = join(root, name);
  return {
    directories: [directory],
    settings: [
      [join(directory, 'memory.max'), String(memoryBytes)],
      [join(directory, 'cpu.max'), `${cpus * PERIOD_US} ${PERIOD_US}`],
    ],
    peak: join(directory, 'memory.peak'),
    cpuStat: join(directory, 'cpu.stat'),
  };
};

const ofVersion1 = (name: string, { memoryBytes, cpus }: Limits): Place => {
  const [memory, cpu] = [join(ROOT, 'memory', name), join(ROOT, 'cpu', name)];
  return {
    directories: [memory, cpu],
    settings: [
      [join(memory, 'memory.limit_in_bytes'), String(memoryBytes)],
      [join(cpu, 'cpu.cfs_period_us'), String(PERIOD_US)],
      [join(cpu, 'cpu.cfs_quota_us'), String(cpus * PERIOD_US)],
    ],
    peak: join(memory, 'memory.max_usage_in_bytes'),
    cpuStat: join(cpu, 'cpu.stat'),
  };
};

const placeOf = (name: string, limits: Limits): Place => {
  const controllers = join(ROOT, 'cgroup.controllers');
  if (!existsSync(controllers)) return ofVersion1(name, limits);
  const there = readFileSync(controllers, 'utf8');
  if (!there.includes('memory') || !there.includes('cpu')) {
    throw new Error(`memory and cpu are not among ${controllers}: ${there}`);
  }
  writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+memory +cpu');
  return ofVersion2(ROOT, name, limits);
};

/** Makes a group; throws the system's error where that is not for us. */
export const makeControlGroup = (limits: Limits): ControlGroup => {
  const place = placeOf(`mdp-${crypto.randomUUID()}`, limits);
  for (const directory of place.directories) mkdirSync(directory);
  const group = groupOf(place);
  try {
    for (const [file, value] of place.settings) writeFileSync(file, value);
    return group;
  } catch (error) {
    group.remove();
    throw error;
  }
};

const groupOf = ({ directories, peak, cpuStat }: Place): ControlGroup => {
  const joining = directories.map((_, index) => `echo $$ >"$${index + 1}/cgroup.procs"`).join('; ');
  const shift = `shift ${directories.length}`;
  return {
    enter: ['sh', '-euc', `${joining}; ${shift}; exec "$@"`, 'sh', ...directories],
    peakBytes: () => Number(readFileSync(peak, 'utf8')),
    periods: () => {
      const text = readFileSync(cpuStat, 'utf8');
      const count = (name: string): number =>
        Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
      return { all: count('nr_periods'), throttled: count('nr_throttled') };
    },
    remove: () => {
      for (const directory of directories) rmdirSync(directory);
    },
  };
};

/** Whether a group can be made here; says aloud when not. */
export const canLimit = (): boolean => {
  try {
    makeControlGroup({ memoryBytes: 64 * 1024 ** 2, cpus: 1 }).remove();
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(`SKIPPED, no control groups for us here: ${reason}`);
    return false;
  }
};
