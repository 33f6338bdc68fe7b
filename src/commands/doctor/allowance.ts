import { totalmem } from 'node:os';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';
import { readAllowance, type Allowance } from './cgroup.ts';

const ABOUT = 'container';
const MiB = 1024 ** 2;
/** Resident before anything waits. */
const IDLE_BYTES = 96 * MiB;
/** Waiting data is bounded by estimate; resident memory was seen at several times of it. */
const RESIDENT_PER_WAITING = 4;
/** With less, venues are answered late, and cut off who answers late. */
const LEAST_CPUS = 0.25;

/** What the machine, or the container in it, gives the process. */
export const readRoom = (): Allowance => {
  const { memoryBytes, cpus } = readAllowance();
  return { memoryBytes: Math.min(memoryBytes ?? Infinity, totalmem()), cpus };
};

/** Whether that is enough for `queues.max_memory_bytes`. */
export const roomFindings = (
  { memoryBytes = Infinity, cpus }: Allowance,
  waitingBytes: number,
): readonly Finding[] => [memoryFinding(memoryBytes, waitingBytes), cpuFinding(cpus)];

const memoryFinding = (memoryBytes: number, waitingBytes: number): Finding => {
  const wanted = IDLE_BYTES + RESIDENT_PER_WAITING * waitingBytes;
  const waiting = `queues.max_memory_bytes of ${mib(waitingBytes)}`;
  const text = `${mib(memoryBytes)} of memory allowed, for ${waiting}`;
  if (memoryBytes >= wanted) return ok(ABOUT, text);
  const cure = `allow ${mib(wanted)}, or lower queues.max_memory_bytes`;
  const tooLittle = memoryBytes < IDLE_BYTES + waitingBytes;
  return (tooLittle ? fail : warn)(ABOUT, `${text}: the process may be killed`, cure);
};

const cpuFinding = (cpus: number | undefined): Finding => {
  if (cpus === undefined) return ok(ABOUT, 'no limit on CPU');
  const text = `${cpus.toFixed(2)} CPUs allowed`;
  if (cpus >= LEAST_CPUS) return ok(ABOUT, text);
  return warn(ABOUT, `${text}: venues would be answered late`, `allow ${LEAST_CPUS} CPUs or more`);
};

const mib = (bytes: number): string => `${Math.round(bytes / MiB)} MiB`;
