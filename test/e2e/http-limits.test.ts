/** What the running executable refuses to be asked, how often, and what it notes of it. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { SmallDisk } from '../postgres/small-disk.ts';
import { inDirectory, startMdp, type Environment, type Running } from './mdp.ts';

const KEY = 'a-key-of-24-characters-x';
const ID = new Bun.CryptoHasher('sha256').update(KEY).digest('hex').slice(0, 8);

/** So low that a busy machine still asks faster. */
const limitedTo = (perSecond: number): Environment => ({
  PIPELINE_HTTP_MAX_REQUESTS_PER_SEC: String(perSecond),
});

const times = async (count: number, ask: () => Promise<Response>): Promise<readonly Response[]> =>
  Promise.all(Array.from({ length: count }, ask));

const statuses = (responses: readonly Response[]): Readonly<Record<number, number>> => {
  const counts: Record<number, number> = {};
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

/** An audit line without its time, which every line has. */
const untimed = (line: string): unknown => {
  const { time, ...rest } = v.parse(v.looseObject({ time: v.string() }), JSON.parse(line));
  expect(time).toMatch(/^2\d{3}-\d\d-\d\dT[\d:.]+Z$/);
  return rest;
};

const metric = async (run: Running, line: string): Promise<number> => {
  const text = await (await run.get('/metrics')).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(line))
      ?.slice(line.length),
  );
};

test('every answer carries the headers that keep a browser from using it, and no detail', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { API_KEY: KEY });
    for (const path of ['/health', '/status', '/nowhere', '/metrics']) {
      const { headers } = await run.get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('server')).toBeNull();
    }
    const post = await fetch(`${run.url}/status`, { method: 'POST', body: 'x' });
    expect(post.status).toBeOneOf([405, 413]);
    const long = await run.get(`/${'a'.repeat(3000)}`);
    expect([long.status, await long.json()]).toEqual([414, { error: 'the address is too long' }]);
    const head = await fetch(`${run.url}/health/live`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(await run.stop()).toBe(0);
  }));

test('a client past its limit is told when to come back; another one is served', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { API_KEY: KEY, ...limitedTo(5) });
    const open = await times(60, () => run.get('/health/live'));
    const { 200: served = 0, 429: refused = 0 } = statuses(open);
    expect(served).toBeGreaterThanOrEqual(5);
    expect(refused).toBeGreaterThan(10);
    const late = open.find(({ status }) => status === 429);
    expect(Number(late?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await run.get('/status', { 'x-api-key': KEY })).status).toBe(200);
    await Bun.sleep(1100);
    expect((await run.get('/health/live')).status).toBe(200);
    await Bun.sleep(500);
    expect(await metric(run, 'mdp_http_requests_total{status="429"} ')).toBe(refused);
    expect(await metric(run, 'mdp_http_clients ')).toBe(2);
    expect(await metric(run, 'mdp_http_certificate_expiry_timestamp_seconds ')).toBeNaN();
    expect(await run.stop()).toBe(0);
  }));

test('wrong keys cost ten requests each: few can be tried', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { API_KEY: KEY, ...limitedTo(10) });
    const tries = await times(100, () => run.get('/status', { 'x-api-key': 'guess' }));
    const { 401: wrong = 0, 429: refused = 0 } = statuses(tries);
    expect(wrong).toBeLessThan(30);
    expect(wrong + refused).toBe(100);
    expect(await run.stop()).toBe(0);
  }));

test('the audit log has who asked for what on protected routes, and no key', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { API_KEY: KEY, PIPELINE_HTTP_AUDIT_LOG: 'audit.log' });
    await run.get('/status', { authorization: `Bearer ${KEY}` });
    await run.get('/status?secret=1');
    await run.get('/status', { 'x-api-key': 'wrong-key' });
    await fetch(`${run.url}/status`, { method: 'DELETE' });
    await run.get('/health');
    await run.get('/nowhere');
    const text = readFileSync(join(directory, 'audit.log'), 'utf8');
    const lines = text.trim().split('\n').map(untimed);
    const common = { route: '/status', address: '127.0.0.1' };
    expect(lines).toEqual([
      { ...common, key: ID, method: 'GET', status: 200 },
      { ...common, key: null, method: 'GET', status: 401 },
      { ...common, key: null, method: 'GET', status: 401 },
      { ...common, key: null, method: 'DELETE', status: 405 },
    ]);
    expect(text).not.toContain(KEY);
    expect(text).not.toContain('wrong-key');
    expect(await run.stop()).toBe(0);
  }));

test('of a client past its limit the audit log has only the first of each run', () =>
  inDirectory(async (directory) => {
    const audit = { PIPELINE_HTTP_AUDIT_LOG: 'audit.log' };
    const run = await startMdp(directory, { API_KEY: KEY, ...audit, ...limitedTo(2) });
    const asked = await times(100, () => run.get('/status', { 'x-api-key': KEY }));
    const { 200: served = 0, 429: refused = 0 } = statuses(asked);
    const lines = readFileSync(join(directory, 'audit.log'), 'utf8').trim().split('\n');
    const noted = lines.filter((line) => line.includes('"status":429')).length;
    expect(lines.length - noted).toBe(served);
    expect(noted).toBeGreaterThan(0);
    expect(noted).toBeLessThanOrEqual(served);
    expect(noted).toBeLessThan(refused);
    expect(await run.stop()).toBe(0);
  }));

test('a full disk under the audit log is counted and told, and serving goes on', () =>
  inDirectory(async (directory) => {
    const disk = SmallDisk.mount('16k');
    try {
      const path = join(disk.path, 'audit.log');
      const unlimited = { PIPELINE_HTTP_MAX_REQUESTS_PER_SEC: '0' };
      const run = await startMdp(directory, { ...unlimited, PIPELINE_HTTP_AUDIT_LOG: path });
      expect(statuses(await times(200, () => run.get('/status')))).toEqual({ 200: 200 });
      const lost = await metric(run, 'mdp_http_audit_lost_total ');
      const kept = readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'));
      expect(lost).toBeGreaterThan(20);
      expect(kept.length + lost).toBe(200);
      expect(run.log()).toMatch(/The audit log takes no lines[^\n]*"errno":"ENOSPC"/);
      disk.resize('1m');
      expect((await run.get('/status')).status).toBe(200);
      const last = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(last)).toMatchObject({ status: 200 });
      expect(await metric(run, 'mdp_http_audit_lost_total ')).toBe(lost);
      expect(await run.stop()).toBe(0);
    } finally {
      disk.remove();
    }
  }));

test('an audit log that cannot be had refuses the start', () =>
  inDirectory(async (directory) => {
    const start = startMdp(directory, { PIPELINE_HTTP_AUDIT_LOG: '/proc/none/audit.log' });
    await expect(start).rejects.toThrow(/exited with 2:\nmdp: http.audit_log: .*ENOENT/);
  }));
