import { expect, test } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from './binary.ts';
import { inDirectory, mdp, query, startMdp, until } from './mdp.ts';

const residentMiB = async (pid: number): Promise<number> => {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
};

test('runs from an empty directory without Bun or node_modules, and commits', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory);
    await until(
      () => run.status(),
      ({ ledger }) => (ledger.rows['bar']?.['committed'] ?? 0) > 0,
    );
    expect(await (await run.get('/health')).json()).toMatchObject({ status: 'healthy' });
    expect((await run.get('/health/ready')).status).toBe(200);
    expect(await run.stop()).toBe(0);
    expect(readdirSync(directory)).toEqual(['data']);
    const trades = await query(directory, 'trades', 'SYN-001');
    expect(trades.length).toBeGreaterThan(0);
  }));

test('answers /health/live within 150 ms of its start and idles below 80 MB', () =>
  inDirectory(async (directory) => {
    const idle = { PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', rate: 0.01 }]) };
    const took: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const began = performance.now();
      const run = await startMdp(directory, idle);
      expect((await run.get('/health/live')).status).toBe(200);
      took.push(performance.now() - began);
      if (attempt === 4) {
        await Bun.sleep(1000);
        expect(await residentMiB(run.pid)).toBeLessThan(80);
      }
      expect(await run.stop()).toBe(0);
    }
    expect(Math.min(...took)).toBeLessThan(150);
  }));

test('reads neither .env nor bunfig.toml where it runs', () =>
  inDirectory(async (directory) => {
    await Bun.write(join(directory, '.env'), 'PIPELINE_BATCH_SIZE=7\n');
    await Bun.write(join(directory, 'bunfig.toml'), 'preload = ["./evil.ts"]\n');
    await Bun.write(join(directory, 'evil.ts'), 'process.exit(99)\n');
    const { code, stdout } = await mdp(directory, ['config']);
    expect(code).toBe(0);
    expect(stdout).toContain('batch_size: 20000');
  }));

test('stops by itself after --duration, drained, and goes on when started again', () =>
  inDirectory(async (directory) => {
    const args = ['run', '--duration', '1s'];
    const port = { PIPELINE_HTTP_PORT: '0' };
    expect((await mdp(directory, args, port)).code).toBe(0);
    const first = (await query(directory, 'trades', 'SYN-001')).length;
    expect((await mdp(directory, args, port)).code).toBe(0);
    expect((await query(directory, 'trades', 'SYN-001')).length).toBeGreaterThan(first);
  }));

test('a second process on the same SQLite file is refused, naming the cure', () =>
  inDirectory(async (directory) => {
    const first = await startMdp(directory);
    const second = await mdp(directory, ['run'], { PIPELINE_HTTP_PORT: '0' });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(first.pid));
    expect(second.stderr).not.toContain(' at ');
    expect(await first.stop()).toBe(0);
  }));

/** A port on which nothing listens. */
const AWAY = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere',
  PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic' }]),
};

const decodedSome = (run: Awaited<ReturnType<typeof startMdp>>) =>
  until(
    () => run.status(),
    ({ ledger }) => (ledger.rows['trade']?.['decoded'] ?? 0) > 0,
  );

test('starts while the database is away, holds its rows, says so, and leaves with 3', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { ...AWAY, PIPELINE_DRAIN_MS: '300' });
    await decodedSome(run);
    const health = await (await run.get('/health')).text();
    expect(health).toContain('"status":"degraded"');
    expect(health).toContain('database_away');
    expect(await run.stop()).toBe(3);
    expect(run.log()).toContain('data left behind');
  }));

test('a second signal stops at once', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { ...AWAY, PIPELINE_DRAIN_MS: '60000' });
    await decodedSome(run);
    const began = performance.now();
    run.signal('SIGTERM');
    await until(
      () => Promise.resolve(run.log()),
      (log) => log.includes('Draining'),
    );
    run.signal('SIGTERM');
    expect(await run.exited).toBe(3);
    expect(performance.now() - began).toBeLessThan(5000);
  }));

test('explains itself: help, version, an unknown command, a wrong option', () =>
  inDirectory(async (directory) => {
    for (const verb of [
      'run',
      'query',
      'replay',
      'check',
      'config',
      'migrate',
      'doctor',
      'healthcheck',
    ]) {
      const { code, stdout } = await mdp(directory, [verb, '--help']);
      expect({ verb, code }).toEqual({ verb, code: 0 });
      expect(stdout).toContain(`mdp ${verb}`);
    }
    expect((await mdp(directory, ['version'])).stdout).toMatch(/^mdp \d+\.\d+\.\d+ \(\w+/);
    const unknown = await mdp(directory, ['runn']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('no command `runn`');
    const wrong = await mdp(directory, ['run', '--sorce', 'x']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('--sorce');
    expect(wrong.stderr).not.toContain('at ');
  }));

test('healthcheck says whether the program turns', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory);
    const port = { PIPELINE_HTTP_PORT: new URL(run.url).port };
    expect((await mdp(directory, ['healthcheck'], port)).code).toBe(0);
    await run.stop();
    expect((await mdp(directory, ['healthcheck'], port)).code).toBe(1);
  }));

test('healthcheck passes where health is protected', () =>
  inDirectory(async (directory) => {
    const env = { API_KEY: 'correct-horse', PIPELINE_HTTP_PROTECT_METRICS: 'true' };
    const run = await startMdp(directory, env);
    expect((await run.get('/health/live')).status).toBe(401);
    const port = { PIPELINE_HTTP_PORT: new URL(run.url).port };
    expect((await mdp(directory, ['healthcheck'], { ...env, ...port })).code).toBe(0);
    await run.stop();
  }));

test('the executable holds everything: one file', () => {
  expect(statSync(binary()).size).toBeLessThan(130e6);
});
