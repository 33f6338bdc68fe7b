/** The executable and a PostgreSQL server that it must have proved, whose authority changes. */
import { expect, test } from 'bun:test';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned, signedBy, type Pair } from '../http/certificates.ts';
import { execute, giveAway, PrivateServer } from '../postgres/server.ts';
import { inDirectory, startMdp, until, type Running } from './mdp.ts';

const committed = async (run: Running): Promise<number> =>
  (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;

const commitsMore = async (run: Running): Promise<void> => {
  const before = await committed(run);
  await until(
    () => committed(run),
    (now) => now > before + 10,
  );
};

/** Puts a pair where the server reads it. */
const present = (server: PrivateServer, { certFile, keyFile }: Pair): void => {
  copyFileSync(certFile, join(server.dataDirectory, 'tls.crt'));
  copyFileSync(keyFile, join(server.dataDirectory, 'tls.key'));
  giveAway(server.dataDirectory);
};

const ENCRYPTED = `select count(*)::int as sessions, bool_and(ssl) as ssl, min(version) as version
  from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'mdp'`;

test('commits by verify-full only, and follows its CA file to another authority', () =>
  inDirectory(async (directory) => {
    const [old, next] = [selfSigned(directory, 'old-ca'), selfSigned(directory, 'next-ca')];
    const server = await PrivateServer.start();
    present(server, signedBy(old, directory, 'old-server'));
    await server.restart({ ssl: 'on', ssl_cert_file: 'tls.crt', ssl_key_file: 'tls.key' });
    const trust = join(directory, 'ca.crt');
    copyFileSync(old.certFile, trust);
    const run = await startMdp(directory, {
      DATABASE_URL: `${server.url()}?sslmode=verify-full&sslrootcert=${trust}`,
      PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', rate: 200 }]),
    });
    await commitsMore(run);
    const [sessions] = await execute(server.url(), ENCRYPTED);
    expect(sessions).toMatchObject({ ssl: true, version: 'TLSv1.3' });

    present(server, signedBy(next, directory, 'next-server'));
    await server.restart({ ssl: 'on', ssl_cert_file: 'tls.crt', ssl_key_file: 'tls.key' });
    await until(
      async () => (await run.get('/health')).text(),
      (health) => health.includes('database_away'),
    );
    copyFileSync(next.certFile, trust);
    await commitsMore(run);
    expect(run.log()).toContain('The database is reached anew');
    expect(await run.stop()).toBe(0);
    await server.remove();
  }));
