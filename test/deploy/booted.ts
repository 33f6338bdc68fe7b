/**
 * A real systemd, booted as process 1 of name spaces of its own: over a copy-on-write view of this
 * machine's files, in control groups and a network of its own, with none of the machine's services.
 * What is done in it is gone with it.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { binary } from '../e2e/binary.ts';
import { until } from '../e2e/mdp.ts';
import { repository } from './dockerfile.ts';
import { ran, type Ran } from './tools.ts';

export type Booted = {
  /** Runs a command in it, from the repository's root. */
  run(command: string): Promise<Ran>;
  stop(): Promise<void>;
};

/** The executable as it is seen in there. */
export const binaryInside = (): string => join('/mnt/dist', basename(binary()));

const CGROUPS = '/sys/fs/cgroup';
const VERSION_1 = ['systemd', 'memory', 'cpu', 'pids'];
const BOOT_MS = 15_000;

/** Version 2 is one tree; version 1 is one a controller. */
const trees = existsSync(join(CGROUPS, 'cgroup.controllers')) ? [''] : VERSION_1;

/** In name spaces: `$1` an empty directory, `$2` the repository, `$3` where the executable is. */
const boot = `
  mount --make-rprivate /
  mount -t tmpfs tmpfs "$1"
  mkdir "$1/upper" "$1/work" "$1/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
  cd "$1/root"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  ${
    trees.length === 1
      ? 'mount -t cgroup2 cgroup2 sys/fs/cgroup'
      : `mount -t tmpfs tmpfs sys/fs/cgroup
  for tree in ${trees.join(' ')}; do
    mkdir "sys/fs/cgroup/$tree"
    type=$tree; [ "$tree" != systemd ] || type=none,name=systemd
    mount -t cgroup -o "$type" cgroup "sys/fs/cgroup/$tree"
  done`
  }
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  mount --rbind /dev dev
  mkdir mnt/old mnt/repository mnt/dist
  mount --bind "$2" mnt/repository
  mount --bind "$3" mnt/dist
  rm -rf etc/systemd/system/*.wants
  pivot_root . mnt/old
  exec chroot . /bin/sh -euc 'cd /; umount -l /mnt/old; mount --make-rshared /
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \\
      --system --unit=basic.target --log-target=null --show-status=no'`;

const kinds = ['--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup'];
const namespaces = [...kinds, '--fork', '--kill-child'];

/** Boots it; undefined, said aloud, where this machine does not let us. */
export const bootSystemd = async (): Promise<Booted | undefined> => {
  const why = await hindrance();
  if (why !== undefined) {
    console.warn(`SKIPPED, no systemd can be booted here: ${why}`);
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'mdp-systemd-'));
  const groups = trees.map((tree) => join(CGROUPS, tree, basename(directory)));
  for (const group of groups) mkdirSync(group);
  const joining = groups.map((group) => `echo $$ >${group}/cgroup.procs`).join('; ');
  const enter = `${joining}; exec unshare ${namespaces.join(' ')} sh -euc "$0" sh "$@"`;
  const child = Bun.spawn(['sh', '-euc', enter, boot, directory, repository, dirname(binary())], {
    cwd: '/',
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const inside = insideOf(child.pid);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.exited;
    for (const group of groups) await removeGroup(group);
    rmdirSync(directory);
  };
  const run = (command: string): Promise<Ran> =>
    ran([...inside(), 'sh', '-c', `cd /mnt/repository && ${command}`]);
  try {
    await until(
      () => run('systemctl is-active basic.target'),
      ({ code }) => code === 0,
      BOOT_MS,
    );
    return { run, stop };
  } catch {
    await stop();
    console.warn(`SKIPPED, systemd does not come up here: ${await child.stderr.text()}`);
    return undefined;
  }
};

const hindrance = async (): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return 'it needs root';
  for (const file of ['/lib/systemd/systemd', '/usr/bin/unshare', '/usr/bin/nsenter']) {
    if (!existsSync(file)) return `${file} is not there`;
  }
  const { code, output } = await ran([
    'unshare',
    ...namespaces,
    'mount',
    '-t',
    'tmpfs',
    'x',
    '/mnt',
  ]);
  return code === 0 ? undefined : output;
};

/** Words that enter the name spaces of the process that is number 1 in there. */
const insideOf = (outer: number) => (): readonly string[] => {
  const children = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim();
  return ['nsenter', '-t', children, '-m', '-p', '-u', '-i', '-n', '-C', '-r', '-w', '--'];
};

/** As soon as its processes are gone, which were killed with their process 1. */
const removeGroup = async (group: string): Promise<void> => {
  const inner = readdirSync(group, { withFileTypes: true }).filter((each) => each.isDirectory());
  for (const { name } of inner) await removeGroup(join(group, name));
  await until(
    () => Promise.resolve(readFileSync(join(group, 'cgroup.procs'), 'utf8')),
    (processes) => processes.trim() === '',
  );
  rmdirSync(group);
};
