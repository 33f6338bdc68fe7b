import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned, type Pair } from '../../test/http/certificates.ts';
import { assertValid, isSameTls, readTls, type TlsMaterial } from './tls.ts';

let directory = '';
let one: Pair;
let two: Pair;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-tls-'));
  one = selfSigned(directory, 'one');
  two = selfSigned(directory, 'two');
});
afterAll(() => rmSync(directory, { recursive: true }));

const read = (cert: string, key: string, clientCa?: string): TlsMaterial => {
  const material = readTls({ cert, key, clientCa });
  if (material === undefined) throw new Error('TLS is off');
  return material;
};

const fileOf = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

test('is off without a certificate', () => {
  expect(readTls({ cert: undefined, key: undefined, clientCa: undefined })).toBeUndefined();
});

test('reads a pair and how long it holds', () => {
  const material = read(one.certFile, one.keyFile, two.certFile);
  expect(material).toMatchObject({ cert: one.cert, key: one.key, clientCa: two.cert });
  const days = (material.validTo - material.validFrom) / 86_400e6;
  expect(days).toBeCloseTo(2, 5);
  expect(isSameTls(material, read(one.certFile, one.keyFile, two.certFile))).toBe(true);
  expect(isSameTls(material, read(one.certFile, one.keyFile))).toBe(false);
});

test('reads a chain, the server’s own certificate first', () => {
  const chain = fileOf('chain.crt', `Bag Attributes\n${one.cert}\n${two.cert}`);
  expect(read(chain, one.keyFile).validTo).toBe(read(one.certFile, one.keyFile).validTo);
});

test('says of each file what is wrong with it, and never its content', () => {
  const missing = join(directory, 'missing');
  const garbage = fileOf('garbage', 'no PEM at all');
  const broken = fileOf('broken', one.cert.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA'));
  const tornKey = fileOf('torn.key', one.key.slice(0, one.key.length / 2));
  const [cert, key] = [one.certFile, one.keyFile];
  expect(() => read(missing, key)).toThrow(`http.tls.cert: ${missing} cannot be read (ENOENT)`);
  expect(() => read(directory, key)).toThrow('cannot be read (EISDIR)');
  expect(() => read(garbage, key)).toThrow('holds no certificate in PEM');
  expect(() => read(broken, key)).toThrow('holds a certificate that cannot be read');
  expect(() => read(cert, missing)).toThrow(`http.tls.key: ${missing} cannot be read`);
  expect(() => read(cert, garbage)).toThrow(`http.tls.key: ${garbage} cannot be used`);
  expect(() => read(cert, tornKey)).toThrow(`http.tls.key: ${tornKey} cannot be used`);
  expect(() => read(cert, two.keyFile)).toThrow(`is not the key of ${cert}`);
  expect(() => read(cert, key, garbage)).toThrow('http.tls.client_ca');
  expect(() => read(cert, key, missing)).toThrow('http.tls.client_ca');
});

test('a certificate is refused before its time, from its end on, and not between', () => {
  const material = read(one.certFile, one.keyFile);
  const { validFrom, validTo } = material;
  expect(() => assertValid(material, validFrom - 1)).toThrow('valid from');
  expect(() => assertValid(material, validFrom)).not.toThrow();
  expect(() => assertValid(material, validTo - 1)).not.toThrow();
  expect(() => assertValid(material, validTo)).toThrow('only');
});
