import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a container, a unit or a pod allows; undefined where nothing is limited, or no Linux. */
export type Allowance = {
  readonly memoryBytes: number | undefined;
  /** CPUs, in parts: 0.5. */
  readonly cpus: number | undefined;
};

type Mount = {
  readonly root: string;
  readonly place: string;
  readonly kind: string;
  readonly options: readonly string[];
};

/** Version 1 writes "none" as the most that its counters take. */
const NONE_FROM = 2 ** 60;

/** The least that the control groups of this process, and those above them, allow. */
export const readAllowance = (): Allowance => {
  const memory = [
    ...valuesOf('memory', 'memory.limit_in_bytes'),
    ...valuesOf(undefined, 'memory.max'),
    ...valuesOf(undefined, 'memory.high'),
  ].map(Number);
  const cpus = [...directoriesOf('cpu').map(cpusOfVersion1), ...valuesOf(undefined, 'cpu.max')]
    .filter((text) => text !== undefined)
    .map((text) => {
      const [quota, period] = text.split(' ').map(Number);
      return (quota ?? Number.NaN) / (period ?? 1);
    });
  return {
    memoryBytes: least(memory.filter((bytes) => bytes < NONE_FROM)),
    cpus: least(cpus.filter((count) => count > 0)),
  };
};

const least = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : Math.min(...values);

const cpusOfVersion1 = (directory: string): string | undefined => {
  const [quota, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) =>
    read(join(directory, name)),
  );
  return quota === undefined || period === undefined ? undefined : `${quota} ${period}`;
};

/** What `file` says in each directory of a controller; `undefined` is the one tree of version 2. */
const valuesOf = (controller: string | undefined, file: string): readonly string[] =>
  directoriesOf(controller)
    .map((directory) => read(join(directory, file)))
    .filter((text) => text !== undefined);

/** Our control group and all above it, as far as they can be seen from here. */
const directoriesOf = (controller: string | undefined): readonly string[] => {
  const mount = mounts().find(({ kind, options }) =>
    controller === undefined
      ? kind === 'cgroup2'
      : kind === 'cgroup' && options.includes(controller),
  );
  if (mount === undefined) return [];
  const path = groupOf(controller);
  const inside = path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
  const directories = [];
  for (let at = join('/', inside); ; at = dirname(at)) {
    directories.push(join(mount.place, at));
    if (at === '/') return directories;
  }
};

const groupOf = (controller: string | undefined): string => {
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, names = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const matches = controller === undefined ? names === '' : names.split(',').includes(controller);
    if (path !== undefined && matches) return path;
  }
  return '/';
};

const mounts = (): readonly Mount[] =>
  (read('/proc/self/mountinfo') ?? '').split('\n').map((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '', place = ''] = left.split(' ');
    const [kind = '', , options = ''] = right.split(' ');
    return { root, place, kind, options: options.split(',') };
  });

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not there: this kernel, or this place in the tree, has no such limit.
    return undefined;
  }
};
