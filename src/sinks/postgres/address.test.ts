import { expect, test } from 'bun:test';
import { MdpError } from '../../runtime/errors.ts';
import { parseAddress } from './address.ts';

test('reads every part, percent-encoded', () => {
  const url =
    'postgresql://us%40er:p%2Fa%3As%23s@db.example:6432/my%20db' +
    '?sslmode=verify-full&sslrootcert=%2Fca.pem';
  expect(parseAddress(url)).toEqual({
    hosts: [{ host: 'db.example', port: 6432 }],
    user: 'us@er',
    password: 'p/a:s#s',
    database: 'my db',
    sslmode: 'verify-full',
    sslRootCert: '/ca.pem',
  });
});

test('reads several hosts in their order, of version 6 too', () => {
  const { hosts } = parseAddress(
    'postgres://u@a,b:5433,[::1]:5434,[fe80::1]/db?target_session_attrs=read-write',
  );
  expect(hosts).toEqual([
    { host: 'a', port: 5432 },
    { host: 'b', port: 5433 },
    { host: '::1', port: 5434 },
    { host: 'fe80::1', port: 5432 },
  ]);
});

test('reads the directory of a unix socket', () => {
  const socket = [{ host: '/run/postgresql', port: 5433 }] as const;
  expect(parseAddress('postgres://u@/db?host=/run/postgresql&port=5433').hosts).toEqual(socket);
  expect(parseAddress('postgres://u@%2Frun%2Fpostgresql:5433/db').hosts).toEqual(socket);
});

test('takes the database to be named as the user where it is not named', () => {
  expect(parseAddress('postgres://ada@db')).toMatchObject({ user: 'ada', database: 'ada' });
  expect(parseAddress('postgres://db/market')).toMatchObject({
    user: 'postgres',
    database: 'market',
  });
});

test.each([
  ['mysql://u:hush@h/db'],
  ['postgres://u:hush@h:0/db'],
  ['postgres://u:hush@h:65536/db'],
  ['postgres://u:hush%ZZ@h/db'],
  ['postgres://u:hush@h/db?sslmode=always'],
  ['postgres://u:hush@h/db?target_session_attrs=standby'],
  ['postgres://u:hush@h/db?options=-c%20x'],
  ['postgres://u:hush@h/db?channel_binding=require'],
  ['postgres://u:hush@/db?host=/run&port=x'],
])('refuses %s without repeating the password', (url) => {
  const refused = (): unknown => parseAddress(url);
  expect(refused).toThrow(MdpError);
  expect(refused).toThrow(expect.objectContaining({ code: 'config' }));
  expect(refused).not.toThrow(/hush/);
});
