/** API keys of the running executable: a list, presented in two ways, renewed while it runs. */
import { expect, test } from 'bun:test';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory, startMdp, until, type Running } from './mdp.ts';

const [OLD, NEW, OTHER] = ['old-key-0123456789', 'new-key-0123456789', 'other-key-0123456789'];

const keyFile = (directory: string, keys: readonly string[]): void => {
  writeFileSync(join(directory, 'keys.new'), `${keys.join('\n')}\n`);
  renameSync(join(directory, 'keys.new'), join(directory, 'keys'));
};

const withKey = async (run: Running, key: string): Promise<number> =>
  (await run.get('/status', { authorization: `Bearer ${key}` })).status;

const answers = (run: Running, key: string, status: number): Promise<number> =>
  until(
    () => withKey(run, key),
    (seen) => seen === status,
  );

test('a list of keys from a file opens /status, by either header, and nothing else does', () =>
  inDirectory(async (directory) => {
    keyFile(directory, [OLD, OTHER]);
    const run = await startMdp(directory, { API_KEY_FILE: 'keys' });
    for (const key of [OLD, OTHER]) {
      expect(await withKey(run, key)).toBe(200);
      expect((await run.get('/status', { 'x-api-key': key })).status).toBe(200);
    }
    const none = await run.get('/status');
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toBe('Bearer');
    expect(await none.json()).toMatchObject({ error: 'an API key is needed' });
    for (const wrong of [OLD.slice(1), `${OLD}x`, OLD.toUpperCase(), NEW]) {
      expect(await withKey(run, wrong)).toBe(401);
    }
    expect((await run.get(`/status?key=${OLD}`)).status).toBe(401);
    expect((await run.get('/health')).status).toBe(200);
    expect(await run.stop()).toBe(0);
    for (const key of [OLD, OTHER]) expect(run.log()).not.toContain(key);
  }));

test('a changed file takes keys in and out while it runs; an empty one is refused', () =>
  inDirectory(async (directory) => {
    keyFile(directory, [OLD]);
    const run = await startMdp(directory, { API_KEY_FILE: 'keys' });
    keyFile(directory, [OLD, NEW]);
    await answers(run, NEW, 200);
    expect(await withKey(run, OLD)).toBe(200);
    keyFile(directory, [NEW]);
    await answers(run, OLD, 401);
    expect(await withKey(run, NEW)).toBe(200);
    keyFile(directory, []);
    run.signal('SIGHUP');
    await until(
      () => Promise.resolve(run.log()),
      (log) => log.includes('is empty'),
    );
    expect(await withKey(run, NEW)).toBe(200);
    expect(await withKey(run, OLD)).toBe(401);
    expect((await run.get('/status')).status).toBe(401);
    const health = await (await run.get('/health')).text();
    expect(health).toContain('refused, the one before it runs on: 1 problem');
    expect(health).not.toContain('keys');
    expect(await run.stop()).toBe(0);
  }));

test('SIGHUP takes in the keys of config.yaml, and no restart is asked for', () =>
  inDirectory(async (directory) => {
    const write = (key: string): void =>
      writeFileSync(join(directory, 'config.yaml'), `http: { api_keys: [${key}] }\n`);
    write(OLD);
    const run = await startMdp(directory);
    expect(await withKey(run, OLD)).toBe(200);
    write(NEW);
    run.signal('SIGHUP');
    await answers(run, NEW, 200);
    expect(await withKey(run, OLD)).toBe(401);
    expect(await (await run.get('/status', { 'x-api-key': NEW })).json()).toMatchObject({
      configuration: { needs_restart: [], refusals: 0 },
    });
    expect(await run.stop()).toBe(0);
    expect(run.log()).not.toContain('restart');
  }));

test('without keys /status is for this machine: no forwarded request, no foreign name', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { PIPELINE_HTTP_PROTECT_METRICS: 'true' });
    for (const path of ['/status', '/health', '/metrics']) {
      expect((await run.get(path)).status).toBe(200);
      const forwarded = await run.get(path, { 'x-forwarded-for': '192.0.2.7' });
      expect(forwarded.status).toBe(403);
      expect(await forwarded.text()).toContain('set API_KEY');
      expect((await run.get(path, { host: 'rebound.example' })).status).toBe(403);
    }
    expect(await run.stop()).toBe(0);
  }));
