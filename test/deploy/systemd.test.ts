/** The service as systemd's own tools see it, and the script that puts it in place. */
import { describe, expect, test } from 'bun:test';
import { cp, mkdir } from 'node:fs/promises';
import { existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { variables } from '../../src/config/environment.ts';
import { binary } from '../e2e/binary.ts';
import { inDirectory } from '../e2e/mdp.ts';
import { has, isRoot, ran, succeeds } from './tools.ts';

const repository = join(import.meta.dir, '../..');
const systemd = join(repository, 'deploy/systemd');
const HARDENED = 2.0;

const unit = await Bun.file(join(systemd, 'mdp.service')).text();

const install = (root: string, ...args: readonly string[]) =>
  ran([join(repository, 'scripts/install.sh'), ...args, '--root', root, '--binary', binary()]);

const installed = async (root: string, ...args: readonly string[]): Promise<string> => {
  const { code, output } = await install(root, ...args);
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  return output;
};

const program = 'usr/local/bin/mdp';
const service = 'usr/local/lib/systemd/system/mdp.service';

const read = (root: string, path: string): Promise<string> => Bun.file(join(root, path)).text();

const modeOf = (root: string, path: string): string =>
  (statSync(join(root, path)).mode & 0o777).toString(8);

describe.skipIf(!has('systemd-analyze', 'systemd') || !isRoot())('the unit', () => {
  test('is one that systemd starts, with everything in place that it names', () =>
    inDirectory(async (root) => {
      await installed(root, 'install');
      const units = join(root, 'usr/lib/systemd/system');
      await cp('/usr/lib/systemd/system', units, { recursive: true });
      await mkdir(join(root, 'bin'));
      await cp('/bin/kill', join(root, 'bin/kill'));
      const said = await succeeds(['systemd-analyze', 'verify', `--root=${root}`, 'mdp.service']);
      expect(said).not.toContain('mdp.service');
    }));

  test(`is exposed by ${HARDENED} or less, and keeps its just-in-time compiler`, async () => {
    const file = join(systemd, 'mdp.service');
    const threshold = `--threshold=${HARDENED * 10}`;
    await succeeds(['systemd-analyze', 'security', '--offline=true', threshold, file]);
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m);
    expect(unit).not.toMatch(/^ProcSubset=/m);
  });
});

test('the unit restarts after a failure, not after a refused configuration', () => {
  expect(unit).toMatch(/^Type=notify$/m);
  expect(unit).toMatch(/^Restart=on-failure$/m);
  expect(unit).toMatch(/^RestartPreventExitStatus=2$/m);
  expect(unit).toMatch(/^UnsetEnvironment=BUN_BE_BUN BUN_OPTIONS$/m);
  expect(unit).toMatch(/^LoadCredential=database_url:/m);
});

test('the environment file names variables that the program reads', async () => {
  const text = await Bun.file(join(systemd, 'mdp.env')).text();
  const names = [...text.matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) expect(variables).toContain(name ?? '');
});

const installing = test.skipIf(!has('systemd-sysusers', 'systemd') || !isRoot());

installing('install.sh puts program, service, user, settings and a key of its own in place', () =>
  inDirectory(async (root) => {
    const said = await installed(root, 'install');
    expect(said).toContain('not started: it has no database yet');
    expect((await ran([join(root, program), 'version'])).output).toStartWith('mdp ');
    expect(await read(root, service)).toBe(unit);
    await succeeds([join(root, 'usr/local/bin/mdp-backup'), '--help']);
    expect(await read(root, 'etc/passwd')).toMatch(/^mdp:/m);
    expect(modeOf(root, 'etc/mdp/credentials/api_key')).toBe('600');
    expect(await read(root, 'etc/mdp/credentials/api_key')).toMatch(/^[0-9a-f]{48}\n$/);
    expect(modeOf(root, 'var/lib/mdp')).toBe('750');
    const check = [join(root, program), 'check', '--config', join(root, 'etc/mdp/config.yaml')];
    await succeeds(check);
  }),
);

installing('install.sh takes the database from DATABASE_URL, readable for root alone', () =>
  inDirectory(async (root) => {
    const url = 'postgres://u:secret@db/market_data';
    const script = join(repository, 'scripts/install.sh');
    const args = ['install', '--root', root, '--binary', binary()];
    const said = await succeeds([script, ...args], { DATABASE_URL: url });
    expect(said).not.toContain('secret');
    expect(await read(root, 'etc/mdp/credentials/database_url')).toBe(`${url}\n`);
    expect(modeOf(root, 'etc/mdp/credentials/database_url')).toBe('600');
    expect(modeOf(root, 'etc/mdp/credentials')).toBe('700');
  }),
);

installing('install.sh, run again, changes nothing that is yours', () =>
  inDirectory(async (root) => {
    await installed(root, 'install');
    const key = await read(root, 'etc/mdp/credentials/api_key');
    await Bun.write(join(root, 'etc/mdp/config.yaml'), 'log: { level: warn }\n');
    await Bun.write(join(root, 'var/lib/mdp/data.db'), 'rows');
    await installed(root, 'install');
    await installed(root, 'upgrade');
    expect(await read(root, 'etc/mdp/credentials/api_key')).toBe(key);
    expect(await read(root, 'etc/mdp/config.yaml')).toBe('log: { level: warn }\n');
    expect(await read(root, 'var/lib/mdp/data.db')).toBe('rows');
  }),
);

installing('install.sh upgrades the program and its service, by another file', () =>
  inDirectory(async (root) => {
    await installed(root, 'install');
    const { ino } = statSync(join(root, program));
    await Bun.write(join(root, service), 'an older one');
    await installed(root, 'upgrade');
    expect(await read(root, service)).toBe(unit);
    expect(statSync(join(root, program)).ino).not.toBe(ino);
    expect(existsSync(join(root, `${program}.new`))).toBe(false);
  }),
);

test('install.sh does not install a file that its checksum was not made for', () =>
  inDirectory(async (root) => {
    const other = join(root, 'mdp');
    symlinkSync(binary(), other);
    await Bun.write(join(root, 'SHA256SUMS'), `${'0'.repeat(64)}  mdp\n`);
    const words = [join(repository, 'scripts/install.sh'), 'install', '--root', root];
    const { code, output } = await ran([...words, '--binary', other]);
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toContain('it was not installed');
    expect(existsSync(join(root, 'usr/local/bin/mdp'))).toBe(false);
  }));

installing('install.sh refuses to upgrade what is not there', () =>
  inDirectory(async (root) => {
    const { code, output } = await install(root, 'upgrade');
    expect(code).toBe(1);
    expect(output).toContain('mdp is not installed here: scripts/install.sh install');
  }),
);

installing('install.sh removes all but what is yours, and with --purge that too', () =>
  inDirectory(async (root) => {
    await installed(root, 'install');
    await installed(root, 'remove');
    expect(readdirSync(join(root, 'usr/local/bin'))).toEqual([]);
    expect(existsSync(join(root, service))).toBe(false);
    expect(existsSync(join(root, 'etc/mdp/credentials/api_key'))).toBe(true);
    expect(readdirSync(join(root, 'usr/local/lib/sysusers.d'))).toEqual([]);
    await Bun.write(join(root, 'var/log/mdp/audit.log'), '');
    await installed(root, 'remove', '--purge');
    expect(existsSync(join(root, 'var/log/mdp'))).toBe(false);
    expect(existsSync(join(root, 'etc/mdp'))).toBe(false);
    expect(existsSync(join(root, 'var/lib/mdp'))).toBe(false);
  }),
);

test.each([
  [['install', '--purge'], '--purge goes with remove'],
  [['reinstall'], "unknown argument 'reinstall'"],
  [[], 'install, upgrade or remove?'],
])('install.sh refuses %p with the usage', async (args, reason) => {
  const { code, output } = await ran([join(repository, 'scripts/install.sh'), ...args]);
  expect(code).toBe(2);
  expect(output).toContain('usage: scripts/install.sh');
  expect(output).toContain(reason);
});
