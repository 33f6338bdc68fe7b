import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MdpError } from '../../src/runtime/errors.ts';
import type { PostgresSinkOptions } from '../../src/sinks/postgres/sink.ts';
import { commitHeld, refusalOf } from '../postgres/committing.ts';
import { FaultProxy } from '../postgres/proxy.ts';
import { makeTrades, tradeBatch } from '../postgres/rows.ts';
import { PrivateServer, execute, giveAway } from '../postgres/server.ts';
import { collectingLog, makeSink } from '../postgres/sinks.ts';
import { TransactionPooler } from '../postgres/transaction-pooler.ts';

const never = new AbortController().signal;
let primary: PrivateServer;
let directory = '';

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mdp-tls-'));
  makeCertificates();
  primary = await PrivateServer.start({
    settings: {
      ssl: 'on',
      ssl_cert_file: join(directory, 'server.crt'),
      ssl_key_file: join(directory, 'server.key'),
    },
  });
});

afterAll(async () => {
  await primary.remove();
  rmSync(directory, { recursive: true });
});

/**
 * One authority, and a certificate of it for 127.0.0.1 only; a second authority that signed
 * nothing.
 */
function makeCertificates(): void {
  const at = (name: string): string => join(directory, name);
  const request = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  for (const name of ['ca', 'other']) {
    openssl(
      'req',
      '-x509',
      ...request,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.crt`),
    );
  }
  writeFileSync(at('san'), 'subjectAltName=IP:127.0.0.1');
  openssl(
    'req',
    ...request,
    '-subj',
    '/CN=server',
    '-keyout',
    at('server.key'),
    '-out',
    at('server.csr'),
  );
  openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-days',
    '2',
    '-extfile',
    at('san'),
    '-out',
    at('server.crt'),
  );
  giveAway(directory);
}

function openssl(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...command], { stderr: 'pipe' });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** Opens, commits and closes; returns whether the connection was encrypted. */
async function encryptedWith(url: string, changes: Partial<PostgresSinkOptions>): Promise<unknown> {
  const sink = makeSink(url, changes);
  try {
    const worker = await sink.open(never);
    await commitHeld(worker, tradeBatch(makeTrades(0, 10)));
    const [row] = await execute(
      primary.url(),
      `select bool_and(ssl) as ssl from pg_stat_ssl join pg_stat_activity using (pid)
       where application_name = 'mdp'`,
    );
    return row?.['ssl'];
  } finally {
    await sink.close();
  }
}

async function openError(
  url: string,
  changes: Partial<PostgresSinkOptions> = {},
): Promise<MdpError> {
  const sink = makeSink(url, changes);
  try {
    await sink.open(never);
  } catch (error) {
    if (error instanceof MdpError) return error;
    throw error;
  } finally {
    await sink.close();
  }
  throw new Error('the sink was expected to refuse');
}

test('encrypts as sslmode says, and proves the server with verify-full and its CA', async () => {
  const ca = join(directory, 'ca.crt');
  expect(await encryptedWith(primary.url(), { sslmode: 'disable' })).toBe(false);
  expect(await encryptedWith(primary.url(), { sslmode: 'require' })).toBe(true);
  expect(await encryptedWith(primary.url(), { sslmode: 'verify-full', sslCa: ca })).toBe(true);
  const otherName = primary.url().replace('127.0.0.1', 'localhost');
  const url = `${otherName}?sslmode=verify-ca&sslrootcert=${ca}`;
  expect(await encryptedWith(url, {})).toBe(true);
});

test('encrypts where it can without being asked, and by require only where it can', async () => {
  expect(await encryptedWith(primary.url(), {})).toBe(true);
  const plain = await PrivateServer.start();
  for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const) {
    expect(await openError(plain.url(), { sslmode })).toMatchObject({ code: 'database_away' });
  }
  const sink = makeSink(plain.url(), { sslmode: 'prefer' });
  await commitHeld(await sink.open(never), tradeBatch(makeTrades(0, 10)));
  await sink.close();
  await plain.remove();
});

test('checks the authority by require too, once one is named', async () => {
  const sslCa = join(directory, 'other.crt');
  for (const sslmode of ['require', 'verify-ca'] as const) {
    const refused = await openError(primary.url(), { sslmode, sslCa });
    expect(refused).toMatchObject({ code: 'database_away', retry: true });
  }
});

test('refuses a server that another authority signed for, and one with another name', async () => {
  const other = { sslmode: 'verify-full', sslCa: join(directory, 'other.crt') } as const;
  expect(await openError(primary.url(), other)).toMatchObject({
    code: 'database_away',
    retry: true,
  });
  const named = { sslmode: 'verify-full', sslCa: join(directory, 'ca.crt') } as const;
  const url = primary.url().replace('127.0.0.1', 'localhost');
  expect(await openError(url, named)).toMatchObject({ code: 'database_away', retry: true });
});

test('refuses a CA file that is not there', async () => {
  const sslCa = join(directory, 'missing.crt');
  expect(await openError(primary.url(), { sslCa })).toMatchObject({ code: 'config' });
});

test('passes over dead and read-only hosts, and follows the primary when it moves', async () => {
  const second = await PrivateServer.start();
  const dead = await FaultProxy.start(primary.port);
  dead.mode = 'close';
  const hosts = [dead.port, primary.port, second.port].map((port) => `127.0.0.1:${port}`);
  const sink = makeSink(
    `postgres://postgres@${hosts.join(',')}/postgres?target_session_attrs=read-write`,
  );
  await primary.setReadOnly(true);
  let worker = undefined;
  for (let attempt = 0; worker === undefined && attempt < 5; attempt += 1) {
    worker = await sink.open(never).catch(() => undefined);
  }
  if (worker === undefined) throw new Error('no host was taken');
  await commitHeld(worker, tradeBatch(makeTrades(0, 100)));
  expect(dead.fired.close).toBeGreaterThan(0);
  expect(await execute(second.url(), 'select count(*)::int as n from mdp.trade')).toEqual([
    { n: 100 },
  ]);

  await primary.setReadOnly(false);
  await execute(primary.url(), 'drop schema if exists mdp cascade');
  const migrator = makeSink(primary.url());
  await migrator.open(never);
  await migrator.close();
  await second.setReadOnly(true);
  const { errors } = await commitHeld(worker, tradeBatch(makeTrades(100, 100)));
  expect(errors.length).toBeGreaterThan(0);
  expect(await execute(primary.url(), 'select count(*)::int as n from mdp.trade')).toEqual([
    { n: 100 },
  ]);
  await sink.close();
  await dead.close();
  await second.remove();
}, 20_000);

test('refuses a pooler in transaction mode, and says how to go on', async () => {
  const pooler = await TransactionPooler.start(primary.port);
  const refusal = await openError(pooler.url);
  expect(refusal).toMatchObject({
    code: 'database_refused',
    retry: false,
  });
  expect(refusal.hint).toContain('pool_mode = session');
  expect(pooler.switches).toBeGreaterThan(1);
  await pooler.close();
});

test('proves itself by password, and repeats none that is wrong', async () => {
  await execute(primary.url(), "create role guarded superuser login password 'open sesame'");
  await primary.requirePassword('guarded');
  const as = (password: string): string =>
    primary.url().replace('postgres@', `guarded:${encodeURIComponent(password)}@`);
  expect(await encryptedWith(as('open sesame'), { sslmode: 'require' })).toBe(true);
  const refusal = await openError(as('open wheat'));
  expect(refusal).toMatchObject({ retry: true, context: { sqlstate: '28P01' } });
  expect(Bun.inspect(refusal)).not.toContain('wheat');
});

test('connects through a unix socket', async () => {
  const local = await PrivateServer.start({ settings: { unix_socket_directories: directory } });
  const sink = makeSink(`postgres://postgres@/postgres?host=${directory}&port=${local.port}`);
  const worker = await sink.open(never);
  await commitHeld(worker, tradeBatch(makeTrades(0, 10)));
  const [row] = await execute(
    local.url(),
    `select count(*)::int as n from pg_stat_activity
     where application_name = 'mdp' and client_addr is null`,
  );
  expect(row?.['n']).toBeGreaterThan(0);
  await sink.close();
  await local.remove();
});

test('starts before its database is there, and says neither password nor URL', async () => {
  const { log, lines } = collectingLog();
  const url = primary.url('late').replace('postgres@', 'postgres:hush-hush@');
  const sink = makeSink(url, { log });
  const refusal = await sink.open(never).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ retry: true, context: { sqlstate: '3D000' } });
  await execute(primary.url(), 'create database late');
  const worker = await sink.open(never);
  await commitHeld(worker, tradeBatch(makeTrades(0, 10)));
  await execute(primary.url('late'), 'drop table mdp.trade cascade');
  const later = await refusalOf(worker, tradeBatch(makeTrades(10, 10)));
  await sink.close();
  const said = [...lines, Bun.inspect(refusal), Bun.inspect(later)].join('\n');
  expect(said).not.toContain('hush-hush');
});
