import { expect, test } from 'bun:test';
import { MAX_TARGET_BYTES, pathOf, unfitness } from './request-limits.ts';

const request = (path: string, init: RequestInit = {}) =>
  new Request(`http://localhost:8083${path}`, init);

test('takes GET and HEAD only', () => {
  expect(unfitness(request('/status'))).toBeUndefined();
  expect(unfitness(request('/status', { method: 'HEAD' }))).toBeUndefined();
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
    const unfit = unfitness(request('/status', { method }));
    expect(unfit).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  }
});

test('takes no body, announced by length or in chunks', () => {
  expect(unfitness(request('/', { headers: { 'content-length': '0' } }))).toBeUndefined();
  const [long, chunked] = [{ 'content-length': '1' }, { 'transfer-encoding': 'chunked' }];
  for (const headers of [long, chunked]) {
    const unfit = unfitness(request('/', { headers }));
    expect(unfit).toMatchObject({ status: 413, headers: { connection: 'close' } });
  }
});

test('bounds path and query together', () => {
  const fits = `/${'a'.repeat(MAX_TARGET_BYTES - 3)}?b`;
  expect(unfitness(request(fits))).toBeUndefined();
  expect(unfitness(request(`${fits}c`))).toMatchObject({ status: 414 });
});

test('routes by the path as it was sent', () => {
  expect(pathOf(request('/status?key=1#x'))).toBe('/status');
  expect(pathOf(request('/st%61tus'))).toBe('/st%61tus');
  expect(pathOf(request('//status'))).toBe('//status');
  expect(pathOf(request(''))).toBe('/');
  expect(pathOf(Object.assign(new Request('http://a'), {}))).toBe('/');
});
