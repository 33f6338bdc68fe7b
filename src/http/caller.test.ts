import { describe, expect, test } from 'bun:test';
import { callerOf, clientOf } from './caller.ts';
import { KeyRing, sealed } from './keys.ts';

const ring = new KeyRing(sealed(['correct-horse']));
const of = (headers: Record<string, string>, address = '127.0.0.1') =>
  callerOf(new Headers(headers), address, ring);

describe('the key', () => {
  test.each([
    { authorization: 'Bearer correct-horse' },
    { authorization: 'bearer   correct-horse' },
    { 'x-api-key': 'correct-horse' },
    { authorization: 'Basic Zm9v', 'x-api-key': 'correct-horse' },
  ])('is known in %j', (headers) => {
    expect(of(headers)).toMatchObject({ wrongKey: false });
    expect(of(headers).keyId).toBeDefined();
  });

  test.each([
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer wrong', 'x-api-key': 'correct-horse' },
    { 'x-api-key': 'correct-horse ,correct-horse' },
  ])('is wrong in %j', (headers) => {
    expect(of(headers)).toMatchObject({ wrongKey: true, keyId: undefined });
  });

  test('is neither known nor wrong where none is presented, or none is set', () => {
    expect(of({ authorization: 'correct-horse' }).wrongKey).toBe(false);
    const caller = callerOf(new Headers({ 'x-api-key': 'any' }), '127.0.0.1', new KeyRing([]));
    expect(caller).toMatchObject({ wrongKey: false, keyId: undefined });
  });
});

describe('local', () => {
  test.each(['127.0.0.1:8083', 'localhost', 'LOCALHOST:1', '[::1]:8083', '10.0.0.7:80'])(
    'is a request of loopback for %s',
    (host) => {
      expect(of({ host }).isLocal).toBe(true);
      expect(of({ host }, '::ffff:127.0.0.1').isLocal).toBe(true);
      expect(of({ host }, '10.0.0.7').isLocal).toBe(false);
      expect(callerOf(new Headers({ host }), undefined, ring).isLocal).toBe(false);
    },
  );

  test('is none that a page of another name makes by DNS rebinding', () => {
    expect(of({ host: 'evil.example:8083' }).isLocal).toBe(false);
    expect(of({ host: 'localhost.evil.example' }).isLocal).toBe(false);
    expect(of({}).isLocal).toBe(true);
  });

  test.each(['forwarded', 'x-forwarded-for', 'x-real-ip'])('is none with %s', (name) => {
    expect(of({ host: 'localhost', [name]: '127.0.0.1' }).isLocal).toBe(false);
  });
});

describe('one budget', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('has who comes from %s', (address, client) => {
    expect(clientOf(of({}, address))).toBe(client);
  });

  test('has a key, wherever it comes from', () => {
    const key = { 'x-api-key': 'correct-horse' };
    expect(clientOf(of(key, '192.0.2.7'))).toBe(clientOf(of(key, '192.0.2.8')));
    expect(clientOf(of(key))).not.toContain('horse');
  });
});
