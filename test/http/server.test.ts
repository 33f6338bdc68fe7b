/** A port that is served while its certificate is exchanged, on real sockets. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import type { HttpEnv } from '../../src/http/gate.ts';
import { DRAIN_MS, HttpServer } from '../../src/http/server.ts';
import { readTls, type TlsMaterial } from '../../src/http/tls.ts';
import { HandClock } from '../venue/hand-clock.ts';
import { selfSigned } from './certificates.ts';
import { asked, opened, servedName } from './handshake.ts';

let directory = '';
let materials: readonly TlsMaterial[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-server-'));
  materials = ['one', 'two', 'three', 'four'].map((name) => {
    const { certFile: cert, keyFile: key } = selfSigned(directory, name);
    const material = readTls({ cert, key, clientCa: undefined });
    if (material === undefined) throw new Error('no certificate');
    return material;
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

const nth = (index: number): TlsMaterial => {
  const material = materials[index];
  if (material === undefined) throw new Error(`there is no certificate ${index}`);
  return material;
};

const app = new Hono<HttpEnv>();
app.get('/', (c) => c.text('served'));
app.get('/slow', async (c) => {
  await Bun.sleep(300);
  return c.text('served late');
});

const served = async (
  play: (server: HttpServer, clock: HandClock) => Promise<void>,
): Promise<void> => {
  const clock = new HandClock(0);
  const server = new HttpServer({ app, host: '127.0.0.1', port: 0, tls: nth(0), clock });
  try {
    await play(server, clock);
  } finally {
    await server.stop();
  }
};

/** The names that so many new connections, one after another, get to see. */
const names = async (port: number, count: number): Promise<ReadonlySet<string>> => {
  const seen = new Set<string>();
  for (let number = 0; number < count; number += 1) seen.add(await servedName(port));
  return seen;
};

test('every new connection gets the new certificate, time after time, however they overlap', () =>
  served(async (server, clock) => {
    expect(await names(server.port, 20)).toEqual(new Set(['one']));
    expect(server.renew(nth(1))).toBe(true);
    expect(await names(server.port, 50)).toEqual(new Set(['two']));
    clock.advance(DRAIN_MS / 2);
    expect(server.renew(nth(2))).toBe(true);
    expect(await names(server.port, 50)).toEqual(new Set(['three']));
    clock.advance(DRAIN_MS / 2);
    expect(await names(server.port, 50)).toEqual(new Set(['three']));
    expect(server.renew(nth(3))).toBe(true);
    expect(await names(server.port, 50)).toEqual(new Set(['four']));
    clock.advance(DRAIN_MS);
    expect(await names(server.port, 50)).toEqual(new Set(['four']));
    expect(clock.pending).toBe(0);
  }));

test('an open connection is answered once more with its old certificate, and then ended', () =>
  served(async (server) => {
    const socket = await opened(server.port);
    expect(await asked(socket, '/')).not.toMatch(/connection: close/i);
    server.renew(nth(1));
    const ended = new Promise<void>((resolve) => void socket.once('end', resolve));
    const answer = await asked(socket, '/');
    expect(answer).toMatch(/^HTTP\/1\.1 200[^]*connection: close[^]*served$/i);
    await ended;
    socket.destroy();
  }));

test('a request in flight outlives the listener that took it', () =>
  served(async (server, clock) => {
    const socket = await opened(server.port);
    const answer = asked(socket, '/slow');
    await Bun.sleep(50);
    server.renew(nth(1));
    clock.advance(DRAIN_MS);
    expect(await answer).toContain('served late');
    socket.destroy();
  }));

test('no connection is lost while certificates change under a storm of new ones', () =>
  served(async (server) => {
    let going = true;
    let answered = 0;
    const client = async (): Promise<void> => {
      while (going) {
        const socket = await opened(server.port);
        expect(await asked(socket, '/')).toContain('served');
        socket.destroy();
        answered += 1;
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (const turn of [1, 2, 3, 0]) {
      const before = answered;
      server.renew(nth(turn));
      while (answered < before + 100) await Bun.sleep(5);
    }
    going = false;
    await Promise.all(clients);
    expect(answered).toBeGreaterThanOrEqual(400);
  }));

test('does not share a port with another program, though its listeners share theirs', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const clock = new HandClock(0);
  const start = (at: number) =>
    new HttpServer({ app, host: '127.0.0.1', port: at, tls: nth(0), clock });
  expect(() => start(port)).toThrow(`cannot listen on 127.0.0.1:${port}`);
  other.close();
  const first = start(0);
  expect(() => start(first.port)).toThrow('cannot listen');
  await first.stop();
});
