/** The image without a Docker engine: its files judged by their own tools, its content run. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { inDirectory, until } from '../e2e/mdp.ts';
import { dockerfileText, instructionsOf, readImage, repository } from './dockerfile.ts';
import { freePort } from '../free-port.ts';
import { canEnterRoots, inRoot, makeRoot } from './root-file-system.ts';
import { isRoot, ran, succeeds } from './tools.ts';

const image = await readImage();

describe('the Dockerfile', () => {
  test('has no fault that its linter finds', async () => {
    const text = await dockerfileText();
    expect(validate(text).map(({ message, range }) => [range.start.line + 1, message])).toEqual([]);
    expect(validate(text.replace('USER 65532:65532', 'USR 65532'))).not.toEqual([]);
  });

  test('ends distroless, not as root, with a health check that needs no shell', () => {
    expect(image).toMatchObject({
      base: 'gcr.io/distroless/base-nossl-debian12:nonroot',
      user: '65532:65532',
      volumes: ['/var/lib/mdp'],
      healthcheck: ['/usr/local/bin/mdp', 'healthcheck'],
      entrypoint: ['/usr/local/bin/mdp'],
      command: ['run'],
    });
    expect(image.environment['PIPELINE_HTTP_HOST']).toBe('0.0.0.0');
  });

  test('copies files that are there and that .dockerignore lets through', async () => {
    const ignored = (await Bun.file(join(repository, '.dockerignore')).text()).split('\n');
    const copied = instructionsOf(await dockerfileText())
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    const toolchain = await Bun.file(join(repository, 'scripts/toolchain.sh')).text();
    const inputs = /^BUILD_INPUTS='([^']*)'$/m.exec(toolchain)?.[1]?.split(/\s+/) ?? [];
    expect(inputs).toContain('src');
    for (const path of [...copied, ...inputs, '.git']) {
      expect(`${path} ${existsSync(join(repository, path))}`).toBe(`${path} true`);
      expect(ignored).not.toContain(path.split('/')[0] ?? '');
    }
  });
});

type Contained = {
  readonly child: Bun.Subprocess;
  readonly log: () => Promise<string>;
};

const start = (root: string, env: Readonly<Record<string, string>>): Contained => {
  const child = Bun.spawn(inRoot(root, image, [...image.entrypoint, ...image.command]), {
    env: { ...image.environment, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const log = new Response(child.stderr).text();
  return { child, log: () => log };
};

/** The process that is number 1 in there, by its number out here. */
const insider = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());

/** 0 while there is none, or it is still on its way into the root. */
const insiderIfAny = (pid: number): number => {
  const inside = insider(pid);
  if (inside === 0) return 0;
  const name = readFileSync(`/proc/${inside}/comm`, 'utf8').trim();
  return name === 'mdp' ? inside : 0;
};

/** What the kernel says of it. */
const statusOf = (pid: number, field: string): readonly string[] =>
  new RegExp(`^${field}:\\s*(.*)$`, 'm')
    .exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    ?.split(/\s+/) ?? [];

const live = (url: string): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    // Not listening yet: asked again until the deadline.
    () => false,
  );

const contained = test.skipIf(!isRoot() || !(await canEnterRoots()));

contained(
  'its content starts, serves, is healthy, keeps to its volume, and drains as process 1',
  () =>
    inDirectory(async (root) => {
      await makeRoot(root, image);
      const env = {
        DATABASE_URL: 'sqlite:/var/lib/mdp/mdp.db',
        PIPELINE_HTTP_PORT: String(freePort()),
      };
      const url = `http://127.0.0.1:${env.PIPELINE_HTTP_PORT}`;
      const { child, log } = start(root, env);
      await until(
        () => live(url),
        (yes) => yes,
      );
      const pid = insider(child.pid);
      expect(statusOf(pid, 'NSpid').at(-1)).toBe('1');
      expect(statusOf(pid, 'Uid')).toEqual(['65532', '65532', '65532', '65532']);
      await succeeds([join(repository, 'scripts/smoke_test.sh')], { BASE_URL: url });
      const healthcheck = inRoot(root, image, image.healthcheck);
      await succeeds(healthcheck, { ...image.environment, ...env });
      process.kill(pid, 'SIGTERM');
      expect(await child.exited).toBe(0);
      expect(await log()).toContain('Drained: everything received is committed');
      expect(statSync(join(root, 'var/lib/mdp/mdp.db')).uid).toBe(65532);
      const made = ['etc', 'lib', 'lib64', 'proc', 'usr', 'var'];
      for (const entry of readdirSync(root)) expect(made).toContain(entry);
      expect((await ran(healthcheck, { ...image.environment, ...env })).code).toBe(1);
    }),
);

/** Whether a process handles SIGTERM, which number 1 of a container never gets otherwise. */
const handlesSigterm = (pid: number): boolean => {
  const [caught = '0'] = statusOf(pid, 'SigCgt');
  return ((BigInt(`0x${caught}`) >> 14n) & 1n) === 1n;
};

contained('as process 1 it drains on a SIGTERM that comes with its first instruction', () =>
  inDirectory(async (root) => {
    await makeRoot(root, image);
    const env = { DATABASE_URL: 'sqlite:/var/lib/mdp/mdp.db', PIPELINE_HTTP_PORT: '0' };
    const { child, log } = start(root, env);
    const pid = await until(
      () => Promise.resolve(insiderIfAny(child.pid)),
      (found) => found > 0 && handlesSigterm(found),
    );
    process.kill(pid, 'SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await log()).toContain('Drained: everything received is committed');
  }),
);

contained('nothing but the volume can be written to', () =>
  inDirectory(async (root) => {
    await makeRoot(root, image);
    const elsewhere = { DATABASE_URL: 'sqlite:/usr/local/mdp.db', PIPELINE_HTTP_PORT: '0' };
    const { child, log } = start(root, elsewhere);
    expect(await child.exited).toBe(1);
    expect(await log()).toContain('/usr/local/mdp.db');
    expect(existsSync(join(root, 'usr/local/mdp.db'))).toBe(false);
  }),
);

contained('without DATABASE_URL it does not start', () =>
  inDirectory(async (root) => {
    await makeRoot(root, image);
    const { child, log } = start(root, { PIPELINE_HTTP_PORT: '0' });
    expect(await child.exited).toBe(1);
    expect(await log()).toContain('cannot make the directory ./data');
  }),
);
