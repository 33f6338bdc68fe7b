/** What `mdp doctor` finds of the machine: limits, ports, disks, and the journal on them. */
import { expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canLimit, makeControlGroup } from '../deploy/cgroup.ts';
import { freePort } from '../free-port.ts';
import { isRoot } from '../deploy/tools.ts';
import { selfSigned, signedBy } from '../http/certificates.ts';
import { SmallDisk } from '../postgres/small-disk.ts';
import { damage } from './damage.ts';
import { examined, listeningTo } from './examined.ts';
import { inDirectory, startMdp, until, type Environment } from './mdp.ts';

const synthetic = listeningTo({ type: 'synthetic', rate: 5000 });
const MIB = 1024 ** 2;

test.skipIf(!canLimit())('fails in a container too small for its queues, warns of little CPU', () =>
  inDirectory(async (directory) => {
    const group = makeControlGroup({ memoryBytes: 160 * MIB, cpus: 0.2 });
    const small = await examined(
      directory,
      { ...synthetic, PIPELINE_MAX_MEMORY_BYTES: '128MiB' },
      group.enter,
    );
    expect(small.text).toContain('container fail: 160 MiB of memory allowed, for queues.max_');
    expect(small.text).toContain('container warn: 0.20 CPUs allowed: venues would be answered');
    const tight = await examined(
      directory,
      { ...synthetic, PIPELINE_MAX_MEMORY_BYTES: '32MiB' },
      group.enter,
    );
    expect(tight.text).toContain('container warn: 160 MiB of memory allowed');
    group.remove();
  }),
);

test('warns where fewer files may be open than connections and files need', () =>
  inDirectory(async (directory) => {
    const limited = ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh'];
    const found = await examined(directory, synthetic, limited);
    expect(found.text).toMatch(/open files warn: 256 allowed, for \d+ connections/);
  }));

test('fails for a port that another program has, and knows its own', () =>
  inDirectory(async (directory) => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('hm') });
    const taken = { ...synthetic, PIPELINE_HTTP_PORT: String(other.port) };
    const found = await examined(directory, taken);
    expect(found.text).toContain(`http fail: 127.0.0.1:${other.port} cannot be listened on`);
    await other.stop(true);
    const own = { ...synthetic, PIPELINE_HTTP_PORT: String(freePort()) };
    expect((await examined(directory, own)).text).toMatch(/http ok: 127\.0\.0\.1:\d+ is free/);
    const run = await startMdp(directory, own);
    expect((await examined(directory, own)).text).toMatch(/http ok: \S+ is served by mdp/);
    expect(await run.stop()).toBe(0);
  }));

test('warns of a certificate that ends soon, and fails for one that has ended', () =>
  inDirectory(async (directory) => {
    const authority = selfSigned(directory, 'authority');
    const using = async (days: number): Promise<string> => {
      const { certFile, keyFile } = signedBy(authority, directory, `of-${days}`, days);
      const tls = { PIPELINE_HTTP_TLS_CERT: certFile, PIPELINE_HTTP_TLS_KEY: keyFile };
      return (await examined(directory, { ...synthetic, ...tls })).text;
    };
    expect(await using(60)).toContain('http ok: the certificate is valid until 20');
    expect(await using(2)).toMatch(
      /http warn: the certificate is valid until .*, 2\.0 days from now/,
    );
    expect(await using(-1)).toContain('http fail: http.tls.cert: valid from');
  }));

test.skipIf(!isRoot())('tells a disk without the room that must stay, and one too small', () =>
  inDirectory(async (directory) => {
    const disk = SmallDisk.mount('32m');
    const on = (more: Environment): Environment => ({
      ...synthetic,
      PIPELINE_JOURNAL_DIR: join(disk.path, 'journal'),
      ...more,
    });
    const full = await examined(directory, on({}));
    expect(full.text).toContain('disk (journal) fail: 0.0 GiB free; 1.0 GiB must stay so');
    const narrow = await examined(directory, on({ PIPELINE_JOURNAL_MIN_FREE_BYTES: '1MiB' }));
    expect(narrow.text).toContain(
      'disk (journal) warn: 0.0 GiB free; 4.0 GiB are wanted to grow to its bound of 4.0 GiB',
    );
    disk.remove();
  }),
);

/** Nobody answers at this address: what comes stays in the journal. */
const away = (): Environment => ({
  ...synthetic,
  DATABASE_URL: `postgres://nobody@127.0.0.1:${freePort()}/nowhere`,
  PIPELINE_DRAIN_MS: '1',
});

test('tells frames of the journal that were given up, and who has it', () =>
  inDirectory(async (directory) => {
    const env = {
      ...away(),
      PIPELINE_JOURNAL_MAX_BYTES: '1MiB',
      PIPELINE_JOURNAL_MIN_FREE_BYTES: '0',
      PIPELINE_MAX_MEMORY_BYTES: '1MiB',
    };
    const run = await startMdp(directory, env);
    await until(
      async () => (await run.get('/metrics')).text(),
      (text) => /^mdp_journal_dropped_frames_total [1-9]/m.test(text),
    );
    const beside = await examined(directory, env);
    expect(beside.text).toContain(`locked by process ${run.pid}: it runs now`);
    expect(await run.stop()).toBe(3);
    const found = await examined(directory, env);
    expect(found.text).toMatch(/journal warn: .* the frames of \d+ were given up/);
  }));

test('tells damaged checkpoints and records of the journal', () =>
  inDirectory(async (directory) => {
    const journal = join(directory, 'data/journal');
    const first = await startMdp(directory, away());
    await until(
      async () => (await first.get('/metrics')).text(),
      (text) => Number(/^mdp_journal_bytes (\d+)/m.exec(text)?.[1]) > 200_000,
    );
    first.signal('SIGKILL');
    await first.exited;
    damage(journal, '.mdpj');
    const second = await startMdp(directory, synthetic);
    await until(
      async () => (await second.get('/metrics')).text(),
      (text) => /^mdp_journal_damaged_total [1-9]/m.test(text),
    );
    expect(await second.stop()).toBe(0);
    const kept = await examined(directory, synthetic);
    expect(kept.text).toMatch(/journal warn: \d+ damaged places are kept in \S+quarantine/);
    expect(kept.text).toMatch(/journal ok: the last checkpoint is \d+ s old, 0\.0 MiB are behind/);
    damage(journal, '.mdpc');
    const found = await examined(directory, synthetic);
    expect(found.text).toMatch(/journal fail: none of \d checkpoints can be read/);
  }));

test('fails where the journal is no directory', () =>
  inDirectory(async (directory) => {
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'data/journal'), '');
    const found = await examined(directory, synthetic);
    expect(found.text).toContain('journal fail: ./data/journal cannot be read (ENOTDIR)');
  }));
