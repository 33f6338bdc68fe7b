import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dir, '../main.ts');
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mdp-config-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** The program in a directory of its own, with nothing of this process's environment. */
function mdp(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  const { exitCode, stdout, stderr } = Bun.spawnSync({
    cmd: [process.execPath, main, ...args],
    cwd: directory,
    env,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

test('config prints every value with the place that said it', async () => {
  await Bun.write(join(directory, 'config.yaml'), 'pipeline:\n  batch_size: 500\n');
  const { code, out } = mdp(['config'], { PIPELINE_FLUSH_MS: '9', API_KEY: 'geheim' });
  expect(code).toBe(0);
  expect(out).toMatch(/^ {2}batch_size: 500 +# config\.yaml:2$/m);
  expect(out).toMatch(/^ {2}flush_ms: 9 +# PIPELINE_FLUSH_MS$/m);
  expect(out).toMatch(/^ {2}drain_ms: 20000 +# default$/m);
  expect(out).not.toContain('geheim');
});

test('config --default prints a file that check finds valid', async () => {
  const { out } = mdp(['config', '--default']);
  await Bun.write(join(directory, 'started.yaml'), out);
  expect(out).toContain('#');
  const checked = mdp(['check', '--config', 'started.yaml']);
  expect(checked).toEqual({ code: 0, out: 'The configuration is valid (0 warnings)\n', err: '' });
});

test('check warns of what is unwise and still exits 0', () => {
  const { code, out } = mdp(['check'], { PIPELINE_PACING_BUDGET_BURST: '5' });
  expect(code).toBe(0);
  expect(out).toContain('warning: PIPELINE_PACING_BUDGET_BURST: pacing.budget.burst: does nothing');
  expect(out).toContain('valid (1 warning)');
});

test('check tells every error and exits 2', async () => {
  await Bun.write(join(directory, 'broken.yaml'), 'pipeline:\n  batch_size: 0\nfoo: 1\n');
  const { code, out, err } = mdp(['check', '--config', 'broken.yaml'], { PIPELINE_BAR: '1' });
  expect(code).toBe(2);
  expect(out).toBe('');
  for (const at of ['broken.yaml:2:15: ', 'broken.yaml:3:1: ', 'PIPELINE_BAR: ']) {
    expect(err).toContain(at);
  }
});

test('check refuses a server without sources, as run does', () => {
  const { code, err } = mdp(['check'], { DATABASE_URL: 'postgres://host/db' });
  expect(code).toBe(2);
  expect(err).toContain('sources:\n  - type: coinbase');
});
