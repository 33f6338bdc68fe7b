import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stage, until } from '../venue/stage.ts';

/**
 * Ways to a venue that are not straight: through a proxy, behind a certificate of one's own,
 * compressed.
 */
const directory = mkdtempSync(join(tmpdir(), 'mdp-paths-'));
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
  rmSync(directory, { recursive: true });
});

/** An HTTP proxy that knows CONNECT; tells which addresses it was asked for. */
const startProxy = async (): Promise<{ url: string; asked: string[] }> => {
  const asked: string[] = [];
  const proxy = createServer((client) => {
    client.once('data', (bytes: Buffer) => {
      const [, host = '', port = ''] = /^CONNECT ([^:]+):(\d+)/.exec(bytes.toString()) ?? [];
      asked.push(`${host}:${port}`);
      const target = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 Connected\r\n\r\n');
        client.pipe(target).pipe(client);
      });
      target.on('error', () => client.destroy());
      client.on('error', () => target.destroy());
    });
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  closing.push(() => proxy.close());
  const address = proxy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked };
};

/**
 * A venue behind TLS with a certificate that nobody has signed but itself; tells what the client
 * offered.
 */
const startTlsVenue = (): { url: string; ca: string; offered: (string | null)[] } => {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const made = Bun.spawnSync(
    ['openssl', 'req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...subject],
    { stderr: 'pipe' },
  );
  if (!made.success) throw new Error(`openssl: ${made.stderr.toString()}`);
  const offered: (string | null)[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') },
    fetch: (request, bun) => {
      offered.push(request.headers.get('sec-websocket-extensions'));
      return bun.upgrade(request) ? undefined : new Response('', { status: 400 });
    },
    websocket: {
      perMessageDeflate: true,
      open: (socket) => void socket.send('{"d":1}', true),
      message: () => {},
    },
  });
  closing.push(() => void server.stop(true));
  return { url: `wss://127.0.0.1:${server.port}`, ca: readFileSync(cert, 'utf8'), offered };
};

const wishFor = (url: string) => ({
  wish: { symbols: ['A'], channels: ['trades' as const], url, trades: 'trade' as const },
});

test('goes through the proxy that is named', async () => {
  const proxy = await startProxy();
  const { venue, source } = await stage(
    async (peer) => {
      await peer.accept();
      peer.send('{"d":1}');
    },
    { settings: { proxy: proxy.url } },
  );
  await until(() => source.report().phase === 'open');
  expect(proxy.asked).toEqual([venue.url.replace('ws://', '')]);
});

test('trusts the certificates of ca_file, else nobody who vouches for himself', async () => {
  const tls = startTlsVenue();
  const trusting = await stage(() => {}, { settings: { ...wishFor(tls.url), ca: tls.ca } });
  await until(() => trusting.source.report().phase === 'open');
  const wary = await stage(() => {}, { settings: wishFor(tls.url) });
  await until(() => wary.source.report().phase === 'backing_off');
  expect(wary.source.report().reason).toContain('self signed certificate');
  expect(wary.source.report().connects).toBe(0);
});

test('offers compression only where it is asked for', async () => {
  const tls = startTlsVenue();
  for (const compression of [true, false]) {
    const settings = { ...wishFor(tls.url), ca: tls.ca, compression };
    const { source, intake } = await stage(() => {}, { settings });
    await until(() => source.report().phase === 'open');
    expect(intake.frames.at(-1)?.text).toBe('{"d":1}');
  }
  expect(tls.offered[0]).toContain('permessage-deflate');
  expect(tls.offered[1]).toBeNull();
});
