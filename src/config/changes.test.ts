import { expect, test } from 'bun:test';
import { changedKeys } from './changes.ts';
import { loadConfig } from './load.ts';

const configOf = (text: string) => loadConfig({ env: {}, readFile: () => text }).config;

test('names what has another value, however it is written, in the order of the reference', () => {
  const before = configOf('pipeline: { max_bytes: 4MiB, batch_size: 7 }\nhttp: { port: 0 }\n');
  expect(changedKeys(before, before)).toEqual([]);
  const same = 'pipeline: { max_bytes: 4194304, batch_size: 7 }\nhttp: { port: 0 }\n';
  expect(changedKeys(before, configOf(same))).toEqual([]);
  const after = 'http: { api_keys: [a] }\nsources: [{ type: synthetic, rate: 7 }]\n';
  expect(changedKeys(before, configOf(after))).toEqual([
    'sources',
    'pipeline.batch_size',
    'http.port',
    'http.api_keys',
  ]);
});
