import { expect, test } from 'bun:test';
import { KeyRing, sealed } from './keys.ts';

test('knows each of its keys by an id that is not the key, and no other', () => {
  const ring = new KeyRing(sealed(['first-key', 'second-key']));
  const ids = [ring.idOf('first-key'), ring.idOf('second-key')];
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}$/);
  expect(new Set(ids).size).toBe(2);
  expect(ring.idOf('third-key')).toBeUndefined();
  expect(ring.idOf('')).toBeUndefined();
});

test('names a key as sha256sum does, so that an operator finds it', () => {
  const sum = Bun.spawnSync(['sha256sum'], { stdin: Buffer.from('first-key') }).stdout.toString();
  expect(new KeyRing(sealed(['first-key'])).idOf('first-key')).toBe(sum.slice(0, 8));
});

test('is empty without keys, and follows a renewal at once', () => {
  const ring = new KeyRing([]);
  expect(ring.isEmpty).toBe(true);
  ring.renew(sealed(['new-key']));
  expect(ring.isEmpty).toBe(false);
  expect(ring.idOf('new-key')).toBeDefined();
  ring.renew(sealed(['newer-key']));
  expect(ring.idOf('new-key')).toBeUndefined();
});

test('holds no key, only hashes', () => {
  const ring = new KeyRing(sealed(['a-canary-key']));
  expect(Bun.inspect(ring, { depth: 9 })).not.toContain('canary');
  expect(sealed(['a-canary-key']).join('')).not.toContain('canary');
});
