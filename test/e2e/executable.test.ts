/** The executable stands alone: no Bun, no node_modules, nothing read from where it is started. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../../package.json';
import { run } from '../house/run.ts';
import { binary } from './binary.ts';

let place = '';

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'mdp-executable-'));
});

afterAll(() => rm(place, { recursive: true, force: true }));

test('runs from an empty directory with an empty environment, and knows what it is', async () => {
  const { code, stdout, stderr } = await run([binary(), 'version'], place, {});
  expect(stderr).toBe('');
  expect(stdout).toContain(version);
  expect(stdout).toMatch(/\b[0-9a-f]{10}(-dirty)?\b/);
  expect(code).toBe(0);
});

test('reads no .env and runs no bunfig.toml of the directory it is started in', async () => {
  await Bun.write(join(place, '.env'), 'PIPELINE_BATCH_SIZE=none\n');
  await Bun.write(join(place, 'bunfig.toml'), 'preload = ["./preload.ts"]\n');
  await Bun.write(join(place, 'preload.ts'), 'console.log("preloaded");\n');
  const { code, stdout } = await run([binary(), 'config'], place, {});
  expect(stdout).not.toContain('preloaded');
  expect(code).toBe(0);
});
