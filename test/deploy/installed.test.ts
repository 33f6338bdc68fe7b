/**
 * The installed service under a stand-in for systemd: what install.sh put in place, started as the
 * unit says (user, directory, environment, credentials, notify socket), passes the smoke test.
 */
import { expect, test } from 'bun:test';
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { binary } from '../e2e/binary.ts';
import { inDirectory, until } from '../e2e/mdp.ts';
import { repository } from './dockerfile.ts';
import { listenNotify } from './notify-socket.ts';
import { freePort } from '../free-port.ts';
import { has, isRoot, succeeds } from './tools.ts';

type Unit = {
  readonly execStart: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
};

const assignments = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );

/** The unit and its environment file under `root`, with %d as systemd fills it in. */
const readUnit = async (root: string, credentials: string): Promise<Unit> => {
  const file = join(root, 'usr/local/lib/systemd/system/mdp.service');
  const unit = (await Bun.file(file).text()).split('\n');
  const of = (key: string): readonly string[] =>
    unit.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  const own = of('Environment').flatMap((line) => line.replaceAll('%d', credentials).split(' '));
  const [path = ''] = of('EnvironmentFile');
  const lines = (await Bun.file(join(root, path.replace(/^-/, ''))).text()).split('\n');
  const said = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return {
    execStart: of('ExecStart')[0]?.split(' ') ?? [],
    workingDirectory: of('WorkingDirectory')[0] ?? '',
    environment: { ...assignments(said), ...assignments(own) },
  };
};

/** The credentials as the service gets them: copies that only its user can read. */
const handOver = async (root: string, credentials: string, uid: number): Promise<void> => {
  mkdirSync(credentials);
  await cp(join(root, 'etc/mdp/credentials'), credentials, { recursive: true });
  for (const name of readdirSync(credentials)) chownSync(join(credentials, name), uid, uid);
  chownSync(credentials, uid, uid);
};

const uidOf = async (root: string): Promise<number> =>
  Number(/^mdp:x:(\d+):/m.exec(await Bun.file(join(root, 'etc/passwd')).text())?.[1]);

const standIn = test.skipIf(!has('systemd-sysusers', 'systemd') || !isRoot());

standIn('the installed service starts, is READY, passes the smoke test and stops', () =>
  inDirectory(async (root) => {
    chmodSync(root, 0o755);
    const script = join(repository, 'scripts/install.sh');
    await succeeds([script, 'install', '--root', root, '--binary', binary()], {
      DATABASE_URL: `sqlite:${join(root, 'var/lib/mdp/mdp.db')}`,
    });
    const [uid, credentials] = [await uidOf(root), join(root, 'run')];
    await handOver(root, credentials, uid);
    const { execStart, workingDirectory, environment } = await readUnit(root, credentials);
    const socket = listenNotify(`@${root}`);
    const port = String(freePort());
    const child = Bun.spawn(
      ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'].concat(
        execStart.map((word) => (word.startsWith('/') ? join(root, word) : word)),
      ),
      {
        cwd: join(root, workingDirectory),
        env: {
          PATH: '/usr/bin:/bin',
          ...environment,
          PIPELINE_JOURNAL_DIR: join(root, environment['PIPELINE_JOURNAL_DIR'] ?? ''),
          PIPELINE_HTTP_PORT: port,
          NOTIFY_SOCKET: `@${root}`,
        },
        stdout: 'ignore',
        stderr: 'ignore',
      },
    );
    await until(
      () => Promise.resolve(socket.messages()),
      (messages) => messages.some((message) => message.startsWith('READY=1')),
    );
    const url = `http://127.0.0.1:${port}`;
    await succeeds([join(repository, 'scripts/smoke_test.sh')], { BASE_URL: url });
    const key = (await Bun.file(join(credentials, 'api_key')).text()).trim();
    expect((await fetch(`${url}/status`)).status).toBe(401);
    expect((await fetch(`${url}/status`, { headers: { 'x-api-key': key } })).status).toBe(200);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    socket.close();
  }),
);
