import { afterAll, expect, test } from 'bun:test';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../test/house/run.ts';

const root = join(import.meta.dir, '..');
const places: string[] = [];

afterAll(() => Promise.all(places.map((place) => rm(place, { recursive: true, force: true }))));

const tools = 'sh dirname uname mkdir ln mktemp rm readlink cat sed sha512sum shasum cmp'.split(
  ' ',
);

/** A copy of the scripts on a machine that has only the tools above and the stand-ins given. */
async function bareMachine(standIns: Readonly<Record<string, string>> = {}) {
  const place = await mkdtemp(join(tmpdir(), 'mdp-scripts-'));
  places.push(place);
  const bin = join(place, 'bin');
  await mkdir(bin);
  await cp(join(root, 'scripts'), join(place, 'scripts'), { recursive: true });
  for (const tool of tools) {
    const found = Bun.which(tool);
    if (found !== null && standIns[tool] === undefined) await symlink(found, join(bin, tool));
  }
  for (const [name, text] of Object.entries(standIns)) {
    await Bun.write(join(bin, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const dev = (...args: string[]) =>
    run([join(place, 'scripts/dev.sh'), ...args], place, { PATH: bin });
  return { place, dev };
}

test('without a verb, or with one it does not know, shows the verbs and ends with 2', async () => {
  const { dev } = await bareMachine();
  const [none, unknown] = [await dev(), await dev('deploy')];
  expect([none.code, unknown.code]).toEqual([2, 2]);
  expect(none.stderr).toContain('which verb?');
  expect(unknown.stderr).toContain("unknown verb 'deploy'");
  expect(unknown.stderr).toContain('usage: ./scripts/dev.sh VERB');
});

test('help shows the verbs on a machine that has nothing', async () => {
  const { dev } = await bareMachine();
  const help = await dev('help');
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('run every test');
});

test('refuses arguments that a verb would ignore', async () => {
  const { dev } = await bareMachine();
  const { code, stderr } = await dev('check', 'src');
  expect(code).toBe(2);
  expect(stderr).toContain("'check' takes no arguments");
});

test('says what to install where there is neither npm nor bun', async () => {
  const { dev } = await bareMachine();
  const { code, stderr } = await dev('fmt');
  expect(code).toBe(1);
  expect(stderr).toContain('needs npm or bun on PATH');
});

test('does not take a bun of another version for the pinned one', async () => {
  const { dev } = await bareMachine({
    bun: '[ "$1" = --version ] && { echo 1.4.4; exit; }; echo "cannot connect"; exit 1',
  });
  const { code, stderr } = await dev('fmt');
  expect(code).toBe(1);
  expect(stderr).toContain('is the npm registry reachable from here?');
});

test('shows what npm said when it cannot fetch', async () => {
  const { dev } = await bareMachine({ npm: 'echo "ENOTFOUND registry.npmjs.org" >&2; exit 1' });
  const { code, stderr } = await dev('fmt');
  expect(code).toBe(1);
  expect(stderr).toContain('ENOTFOUND registry.npmjs.org');
  expect(stderr).toContain('is the npm registry reachable from here?');
});

test('does not unpack a download that differs from the pinned one, leaves nothing', async () => {
  const pins = await Bun.file(join(root, 'scripts/bun.sha512')).text();
  const tarballs = Array.from(pins.matchAll(/\S+\.tgz/g), ([name]) => name);
  const { place, dev } = await bareMachine({
    npm: tarballs.map((name) => `echo forged >${name}`).join('\n'),
  });
  const { code, stderr } = await dev('fmt');
  expect(code).toBe(1);
  expect(stderr).toContain('is not the file that scripts/bun.sha512 pins');
  expect(await readdir(join(place, '.cache'))).toEqual([]);
});

test('names the platforms on one that it does not support', async () => {
  const { dev } = await bareMachine({ uname: 'echo Plan9 mips' });
  const { code, stderr } = await dev('fmt');
  expect(code).toBe(1);
  expect(stderr).toContain('Plan9 mips is not supported: Linux (glibc) and macOS');
});

test('takes over the lock of a process that has ended', async () => {
  const { place, dev } = await bareMachine();
  const ended = Bun.spawn(['true']);
  await ended.exited;
  await mkdir(join(place, '.cache'));
  await symlink(String(ended.pid), join(place, '.cache/lock'));
  const { stderr } = await dev('fmt');
  expect(stderr).toContain(`removing the lock of process ${ended.pid}`);
  expect(stderr).toContain('needs npm or bun on PATH');
  await expect(lstat(join(place, '.cache/lock'))).rejects.toThrow('ENOENT');
});
