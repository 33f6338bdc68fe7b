import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '../runtime/system-clock.ts';
import type { Log } from '../runtime/log.ts';
import { AuditLog, KEPT_FILES } from './audit-log.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-audit-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const said: string[] = [];
const say = (message: string): void => void said.push(message);
const log: Log = { debug: say, info: say, warn: say, error: say, with: () => log };
const audit = (name: string, maxFileBytes?: number): AuditLog =>
  new AuditLog(join(directory, name), log, createSystemClock(), maxFileBytes);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

const entry = (status = 200, route = '/status') => ({
  time: 1_700_000_000_000_000,
  keyId: '0123abcd',
  method: 'GET',
  route,
  status,
  address: '192.0.2.7',
});

test('writes a line a request, which only this user may read', () => {
  const file = audit('plain.log');
  file.write(entry());
  file.write({ ...entry(401), keyId: undefined, address: undefined });
  expect(read('plain.log')).toBe(
    '{"time":"2023-11-14T22:13:20.000000Z","key":"0123abcd","method":"GET","route":"/status",' +
      '"status":200,"address":"192.0.2.7"}\n' +
      '{"time":"2023-11-14T22:13:20.000000Z","key":null,"method":"GET","route":"/status",' +
      '"status":401,"address":null}\n',
  );
  expect(statSync(join(directory, 'plain.log')).mode & 0o777).toBe(0o600);
});

test('goes on where it stopped, and in a new file when the old one was moved away', () => {
  audit('moved.log').write(entry(200));
  const file = audit('moved.log');
  file.write(entry(401));
  expect(read('moved.log').split('\n')).toHaveLength(3);
  renameSync(join(directory, 'moved.log'), join(directory, 'elsewhere.log'));
  file.write(entry(403));
  expect(read('moved.log')).toContain('"status":403');
});

test('keeps a bounded number of bounded files, every line whole, the newest last', () => {
  const bytes = 1000;
  const file = audit('round.log', bytes);
  for (let number = 0; number < 100; number += 1) file.write(entry(number));
  const names = readdirSync(directory)
    .filter((name) => name.startsWith('round.log'))
    .toSorted();
  expect(names).toHaveLength(1 + KEPT_FILES);
  for (const name of names) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(bytes);
  const ordered = [...names.slice(1).toReversed(), 'round.log'];
  const lines = ordered.flatMap((name) => read(name).trim().split('\n'));
  const numbers = lines.map((line) => Number(/"status":(\d+)/.exec(line)?.[1]));
  expect(numbers).toEqual(Array.from(numbers, (_, index) => 100 - numbers.length + index));
  expect(file.lost).toBe(0);
});

test('refuses at the start a place where nothing can be written', () => {
  expect(() => audit('no/such/place.log')).toThrow('cannot be written (ENOENT)');
  expect(() => audit('.')).toThrow('cannot be written (EISDIR)');
});

test('counts and tells what it cannot write, and goes on when it can again', () => {
  const file = audit('later.log');
  file.write(entry(200));
  renameSync(join(directory, 'later.log'), join(directory, 'before.log'));
  Bun.spawnSync(['mkdir', join(directory, 'later.log')]);
  said.length = 0;
  for (let number = 0; number < 5; number += 1) file.write(entry(401));
  expect(file.lost).toBe(5);
  expect(said).toEqual(['The audit log takes no lines']);
  rmSync(join(directory, 'later.log'), { recursive: true });
  file.write(entry(403));
  expect(read('later.log')).toContain('"status":403');
  expect(file.lost).toBe(5);
});
