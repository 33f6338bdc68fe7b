import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { HandClock } from '../../test/venue/hand-clock.ts';
import type { Log, LogFields } from '../runtime/log.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import { AuditLog } from './audit-log.ts';
import { HttpCounts } from './counts.ts';
import { admitted, answered, audited, failed, guarded, type HttpEnv } from './gate.ts';
import { KeyRing, sealed } from './keys.ts';
import { RateLimiter } from './rate-limit.ts';
import { pathOf } from './request-limits.ts';

const KEY = 'correct-horse-battery';
const SECRET = 'select secret from "/home/mdp/place"';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-gate-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A guarded route that answers, one that fails, and an open one, behind a gate of its own. */
const stage = (name: string) => {
  const clock = new HandClock(1_700_000_000_000_000);
  const said: string[] = [];
  const say = (message: string, fields: LogFields = {}): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: say, info: say, warn: say, error: say, with: () => log };
  const file = join(directory, name);
  const gate = {
    keys: new KeyRing(sealed([KEY])),
    limiter: new RateLimiter(20, () => clock.now()),
    audit: new AuditLog(file, log, clock),
    counts: new HttpCounts(),
    log: new RateLimitedLog(log, clock),
    now: () => clock.now(),
  };
  const app = new Hono<HttpEnv>({ getPath: pathOf });
  app.use(answered(gate));
  for (const route of ['/kept', '/broken']) app.use(route, audited(route, gate));
  app.use(admitted(gate));
  for (const route of ['/kept', '/broken']) app.use(route, guarded(gate));
  app.get('/kept', (c) => c.text('kept'));
  app.get('/open', (c) => c.text('open'));
  app.get('/broken', () => {
    throw new RangeError(SECRET);
  });
  app.onError(failed(gate));
  const get = async (path: string, headers: Record<string, string> = {}) =>
    app.request(path, { headers }, { address: '192.0.2.7' });
  const audit = (): readonly string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return { get, audit, said, gate, clock };
};

test('a handler that fails tells the client nothing, the log its kind, the audit 500', async () => {
  const { get, audit, said, gate } = stage('failing');
  const answer = await get('/broken', { 'x-api-key': KEY });
  expect([answer.status, await answer.text()]).toEqual([500, '{"error":"internal error"}']);
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('"error":"RangeError"');
  expect(said[0]).toContain('gate.test.ts');
  expect(said.join('')).not.toContain('secret');
  expect(audit()[0]).toContain('"status":500');
  expect(gate.counts.byStatus.get('500')).toBe(1);
});

test('a guarded route opens to a known key; an open one to everybody', async () => {
  const { get } = stage('guarded');
  expect((await get('/kept', { authorization: `Bearer ${KEY}` })).status).toBe(200);
  expect((await get('/kept')).status).toBe(401);
  expect((await get('/kept', { 'x-api-key': 'wrong' })).status).toBe(401);
  expect((await get('/open')).status).toBe(200);
});

test('a key that is taken off the ring is refused with the next request', async () => {
  const { get, gate } = stage('renewed');
  expect((await get('/kept', { 'x-api-key': KEY })).status).toBe(200);
  gate.keys.renew(sealed(['another-key']));
  expect((await get('/kept', { 'x-api-key': KEY })).status).toBe(401);
});

test('wrong keys use up the address, and leave known keys alone', async () => {
  const { get, audit, clock } = stage('guessed');
  const seen: number[] = [];
  for (let guess = 0; guess < 6; guess += 1) {
    seen.push((await get('/kept', { 'x-api-key': `guess-${guess}` })).status);
  }
  expect(seen).toEqual([401, 401, 429, 429, 429, 429]);
  expect((await get('/kept', { 'x-api-key': KEY })).status).toBe(200);
  // Of what is past the limit the first alone: the rest says nothing new.
  expect(audit().map((line) => /"status":(\d+)/.exec(line)?.[1])).toEqual([
    '401',
    '401',
    '429',
    '200',
  ]);
  clock.advance(60_000);
  expect((await get('/open')).status).toBe(200);
});

test('an answer past the limit says when to come back', async () => {
  const { get } = stage('limited');
  for (let number = 0; number < 20; number += 1) await get('/open');
  const answer = await get('/open');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
});
