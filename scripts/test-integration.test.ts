/** The guide's diagnostics beside a running pipeline, and where nothing is right. */
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory, startMdp, until } from '../test/e2e/mdp.ts';
import { run } from '../test/house/run.ts';

const root = join(import.meta.dir, '..');

const diagnose = (directory: string, environment: Record<string, string>) =>
  run(['./scripts/dev.sh', 'test-integration', 'scripts/summary.test.ts'], root, {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/',
    PIPELINE_JOURNAL_DIR: join(directory, 'journal'),
    DATABASE_URL: `sqlite:${join(directory, 'mdp.db')}`,
    PIPELINE_HTTP_PORT: '0',
    ...environment,
  });

test('test-integration: doctor, tests, and the smoke test of what runs', () =>
  inDirectory(async (directory) => {
    const pipeline = await startMdp(directory);
    await until(
      () => pipeline.get('/health/ready'),
      ({ ok }) => ok,
    );
    const { code, stdout } = await diagnose(directory, { BASE_URL: pipeline.url });
    expect(stdout).toContain('ok    configuration: ');
    expect(stdout).toMatch(/\n\d+ passed, 0 failed\n/);
    expect(stdout).toContain(`passed ${pipeline.url} is up, measured and moving`);
    expect(stdout).toContain('doctor            ok\nintegration tests ok\nsmoke test        ok\n');
    expect(code).toBe(0);
    expect(await pipeline.stop()).toBe(0);
  }));

test('test-integration fails where the doctor does, and says that nothing answered', () =>
  inDirectory(async (directory) => {
    writeFileSync(join(directory, 'journal'), '');
    const { code, stdout } = await diagnose(directory, { BASE_URL: 'http://127.0.0.1:1' });
    expect(stdout).toContain('fail  disk (journal): ');
    expect(stdout).toContain('doctor            FAILED (exit code 1)\nintegration tests ok\n');
    expect(stdout).toContain('smoke test        not run: nothing answers at http://127.0.0.1:1');
    expect(code).toBe(1);
  }));
