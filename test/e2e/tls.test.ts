/** TLS of the running executable: who is served, and certificates that change while it serves. */
import { expect, test } from 'bun:test';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { exchanged } from '../fuzz/exchange.ts';
import { payloadOf } from '../fuzz/payloads.ts';
import { run as ranScript } from '../house/run.ts';
import { selfSigned, signedBy, type Pair } from '../http/certificates.ts';
import { asked, opened, servedName, type Credentials } from '../http/handshake.ts';
import { Chance } from '../simulator/random.ts';
import { inDirectory, mdp, startMdp, until, type Environment, type Running } from './mdp.ts';

const repository = join(import.meta.dir, '../..');

const TLS: Environment = { PIPELINE_HTTP_TLS_CERT: 'tls.crt', PIPELINE_HTTP_TLS_KEY: 'tls.key' };

const portOf = ({ url }: Running): number => Number(new URL(url).port);

/** Puts a pair where the program looks for it, each file by a rename. */
const install = (directory: string, { certFile, keyFile }: Pair): void => {
  for (const [from, to] of [
    [certFile, 'tls.crt'],
    [keyFile, 'tls.key'],
  ] as const) {
    copyFileSync(from, join(directory, 'next'));
    renameSync(join(directory, 'next'), join(directory, to));
  }
};

const get = (run: Running, path: string, credentials: Credentials = {}): Promise<Response> =>
  fetch(`https://127.0.0.1:${portOf(run)}${path}`, {
    tls: { rejectUnauthorized: false, ...credentials },
    keepalive: false,
  });

const said = (run: Running, text: string): Promise<string> =>
  until(
    () => Promise.resolve(run.log()),
    (log) => log.includes(text),
  );

const servedAs = (run: Running, name: string): Promise<string> =>
  until(
    () => servedName(portOf(run)),
    (seen) => seen === name,
  );

const smoke = (run: Running, environment: Environment) =>
  ranScript(['./scripts/smoke_test.sh'], repository, {
    PATH: process.env['PATH'] ?? '',
    BASE_URL: `https://127.0.0.1:${portOf(run)}`,
    ...environment,
  });

test('with a certificate everything is served by TLS, on both ports, and by nothing older', () =>
  inDirectory(async (directory) => {
    const pair = selfSigned(directory, 'one');
    install(directory, pair);
    const second = freePort();
    const run = await startMdp(directory, { ...TLS, PIPELINE_METRICS_PORT: String(second) });
    const metrics = await fetch(`https://127.0.0.1:${second}/metrics`, { tls: { ca: pair.cert } });
    expect(await metrics.text()).toMatch(/mdp_http_certificate_expiry_timestamp_seconds \d{10}\n/);
    expect((await get(run, '/status')).status).toBe(200);
    await expect(fetch(`${run.url}/health`)).rejects.toThrow();
    const old = opened(portOf(run), { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    await expect(old).rejects.toThrow(/PROTOCOL_VERSION/);
    const port = { ...TLS, PIPELINE_HTTP_PORT: String(portOf(run)) };
    expect((await mdp(directory, ['healthcheck'], port)).code).toBe(0);
    const { code, stdout } = await smoke(run, { CA_CERT: pair.certFile });
    expect(stdout).toContain('is up, measured and moving');
    expect(code).toBe(0);
    expect((await smoke(run, {})).stderr).toMatch(/FAILED GET \/health\/live: curl: .*certificate/);
    const chance = new Chance(1);
    for (let round = 0; round < 200; round += 1) {
      await exchanged(portOf(run), { ...payloadOf(chance), isWhole: false }, 0);
    }
    expect(await servedName(portOf(run))).toBe('one');
    expect(await run.stop()).toBe(0);
    expect((await mdp(directory, ['healthcheck'], port)).code).toBe(1);
  }));

test('a change of certificate drops no request of hundreds, on old and on new connections', () =>
  inDirectory(async (directory) => {
    const pairs = ['one', 'two', 'three'].map((name) => selfSigned(directory, name));
    const [one, two, three] = pairs;
    if (one === undefined || two === undefined || three === undefined) throw new Error('none');
    install(directory, one);
    const unlimited = { PIPELINE_HTTP_MAX_REQUESTS_PER_SEC: '0' };
    const run = await startMdp(directory, { ...TLS, ...unlimited });
    let going = true;
    const answers = { open: 0, fresh: 0 };
    const onFresh = async (): Promise<void> => {
      while (going) {
        expect((await get(run, '/health/live')).status).toBe(200);
        answers.fresh += 1;
      }
    };
    /** As a client should: asks on until it is told that an answer was the last. */
    const onOpen = async (): Promise<void> => {
      while (going) {
        const socket = await opened(portOf(run));
        for (let last = false; going && !last; answers.open += 1) {
          const answer = await asked(socket, '/health/live');
          expect(answer).toStartWith('HTTP/1.1 200');
          last = /^connection: close\r?$/im.test(answer);
        }
        socket.destroy();
      }
    };
    const clients = [onFresh(), onFresh(), onOpen(), onOpen()];
    install(directory, two);
    await servedAs(run, 'two');
    install(directory, three);
    run.signal('SIGHUP');
    await servedAs(run, 'three');
    const before = { ...answers };
    await until(
      () => Promise.resolve(answers),
      ({ open, fresh }) => open > before.open + 100 && fresh > before.fresh + 100,
    );
    going = false;
    await Promise.all(clients);
    expect(answers.open + answers.fresh).toBeGreaterThan(500);
    expect(run.log().split('New connections get the new certificate')).toHaveLength(3);
    expect(run.log()).not.toContain('The kernel could not be told');
    expect(await run.stop()).toBe(0);
  }));

test('a bad certificate is refused while the old one serves, and mended by a good one', () =>
  inDirectory(async (directory) => {
    install(directory, selfSigned(directory, 'one'));
    const two = selfSigned(directory, 'two');
    const ended = signedBy(two, directory, 'ended', -1);
    const run = await startMdp(directory, TLS);
    writeFileSync(join(directory, 'tls.crt'), 'torn while it was wri');
    await said(run, 'holds no certificate in PEM');
    copyFileSync(two.certFile, join(directory, 'tls.crt'));
    run.signal('SIGHUP');
    await said(run, 'is not the key of');
    install(directory, ended);
    run.signal('SIGHUP');
    await said(run, 'http.tls.cert: valid from');
    expect(await servedName(portOf(run))).toBe('one');
    expect(await (await get(run, '/metrics')).text()).toMatch(
      /mdp_config_reloads_total\{outcome="refused"\} [2-9]/,
    );
    install(directory, two);
    await servedAs(run, 'two');
    expect(await run.stop()).toBe(0);
    expect(run.log()).not.toContain('PRIVATE KEY');
  }));

test('a certificate may come from another path; switching TLS off waits for a restart', () =>
  inDirectory(async (directory) => {
    const [one, two] = [selfSigned(directory, 'one'), selfSigned(directory, 'two')];
    const write = ({ certFile: cert, keyFile: key }: Pair): void =>
      writeFileSync(
        join(directory, 'config.yaml'),
        `http:\n  tls: ${JSON.stringify({ cert, key })}\n`,
      );
    write(one);
    const run = await startMdp(directory);
    write(two);
    await servedAs(run, 'two');
    const three = selfSigned(directory, 'three');
    copyFileSync(three.keyFile, two.keyFile);
    copyFileSync(three.certFile, two.certFile);
    await servedAs(run, 'three');
    writeFileSync(join(directory, 'config.yaml'), 'http: {}\n');
    await said(run, 'needs a restart');
    expect(run.log()).toMatch(/needs a restart[^\n]*"key":"http.tls.cert"/);
    expect(await servedName(portOf(run))).toBe('three');
    expect(await run.stop()).toBe(0);
  }));

test('a bad certificate at the start is a refused configuration', () =>
  inDirectory(async (directory) => {
    install(directory, selfSigned(directory, 'one'));
    writeFileSync(join(directory, 'tls.key'), 'x');
    await expect(startMdp(directory, TLS)).rejects.toThrow(/exited with 2:\nmdp: http.tls.key: /);
    const { code, stderr } = await mdp(directory, ['check'], TLS);
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toStartWith('mdp: http.tls.key: tls.key cannot be used');
  }));

test('with a client CA only clients with a certificate of it are served', () =>
  inDirectory(async (directory) => {
    install(directory, selfSigned(directory, 'one'));
    const [ours, theirs] = [selfSigned(directory, 'ours'), selfSigned(directory, 'theirs')];
    const client = signedBy(ours, directory, 'client');
    const stranger = signedBy(theirs, directory, 'stranger');
    copyFileSync(ours.certFile, join(directory, 'ca.crt'));
    const environment = { ...TLS, PIPELINE_HTTP_TLS_CLIENT_CA: 'ca.crt' };
    const run = await startMdp(directory, environment);
    const { cert, key } = client;
    const foreign = { cert: stranger.cert, key: stranger.key };
    expect((await get(run, '/status', { cert, key })).status).toBe(200);
    await expect(get(run, '/health')).rejects.toThrow();
    await expect(get(run, '/health', foreign)).rejects.toThrow();
    const port = { ...environment, PIPELINE_HTTP_PORT: String(portOf(run)) };
    expect((await mdp(directory, ['healthcheck'], port)).code).toBe(0);
    const { certFile: CLIENT_CERT, keyFile: CLIENT_KEY } = client;
    const CA_CERT = join(directory, 'tls.crt');
    expect(await smoke(run, { CA_CERT, CLIENT_CERT, CLIENT_KEY })).toMatchObject({ code: 0 });
    expect((await smoke(run, { CA_CERT })).code).toBe(1);
    copyFileSync(theirs.certFile, join(directory, 'ca.crt'));
    await said(run, 'New connections get the new certificate');
    expect((await get(run, '/health', foreign)).status).toBe(200);
    await expect(get(run, '/health', { cert, key })).rejects.toThrow();
    expect(await run.stop()).toBe(0);
    expect((await mdp(directory, ['healthcheck'], port)).code).toBe(1);
  }));
