/**
 * What the image holds, as a root file system without a Docker engine: the base's glibc,
 * certificates and accounts from this machine, and the executable. It is entered in name spaces of
 * its own: process 1, not root, everything read-only but the volume.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { binary } from '../e2e/binary.ts';
import { ran } from './tools.ts';
import type { Image } from './dockerfile.ts';

const NONROOT = 65532;

const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const loader =
  process.arch === 'arm64' ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2';
const libraries = ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2'].map(
  (name) => `lib/${architecture}-linux-gnu/${name}`,
);

/** Makes the tree under `root`, an empty directory. */
export const makeRoot = async (root: string, image: Image): Promise<void> => {
  chmodSync(root, 0o755);
  for (const path of [loader, ...libraries]) {
    if (existsSync(`/${path}`)) await place(realpathSync(`/${path}`), join(root, path));
  }
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(certificates)) await place(certificates, join(root, certificates));
  const account = `nonroot:x:${NONROOT}:${NONROOT}::/home/nonroot:/sbin/nologin\n`;
  await Bun.write(join(root, 'etc/passwd'), account);
  await place(binary(), join(root, image.entrypoint[0] ?? ''));
  for (const path of ['/proc', ...image.volumes]) mkdirSync(join(root, path), { recursive: true });
  for (const path of image.volumes) chownSync(join(root, path), NONROOT, NONROOT);
};

const place = async (from: string, to: string): Promise<void> => {
  mkdirSync(dirname(to), { recursive: true });
  await copyFile(from, to);
};

/** Mounts in `$1` as Docker does for `--read-only`; then the rest of the words is process 1. */
const enter = `
  root=$1 user=$2 volume=$3; shift 3
  mount --bind "$root" "$root"
  mount --bind "$root$volume" "$root$volume"
  mount -o remount,bind,ro "$root"
  mount -t proc proc "$root/proc"
  cd "$root"
  exec chroot --userspec="$user" "$root" "$@"`;

const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];

/** The words that run `command` as the image would. */
export const inRoot = (root: string, image: Image, command: readonly string[]): string[] => {
  const [volume = ''] = image.volumes;
  return [...namespaces, 'sh', '-euc', enter, 'sh', root, image.user, volume, ...command];
};

/** Whether this kernel lets us make name spaces and mount in them; says aloud when not. */
export const canEnterRoots = async (): Promise<boolean> => {
  if (Bun.which('unshare') !== null) {
    const mount = 'mount -t tmpfs none /mnt';
    if ((await ran([...namespaces, 'sh', '-c', mount])).code === 0) return true;
  }
  console.warn('SKIPPED, no name spaces for us here: these tests need root with CAP_SYS_ADMIN');
  return false;
};
