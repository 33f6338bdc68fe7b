/** What the kernel knows of a process. Linux only. */
import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux that Bun runs on. */
const ticksPerSecond = 100;

/** User and system time of all threads so far. Resolution: 10 ms. */
export const cpuSeconds = (pid: number): number => secondsIn(`/proc/${pid}/stat`);

/** The same of the main thread alone. */
export const mainThreadSeconds = (pid: number): number =>
  secondsIn(`/proc/${pid}/task/${pid}/stat`);

const secondsIn = (file: string): number => {
  const stat = readFileSync(file, 'latin1');
  // The name, in brackets, may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
};

/** The most that was ever resident, in MiB. */
export const peakMiB = (pid: number): number => statusMiB(pid, 'VmHWM');

export const residentMiB = (pid: number): number => statusMiB(pid, 'VmRSS');

const statusMiB = (pid: number, field: string): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status);
  if (match === null) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(match[1]) / 1024;
};
