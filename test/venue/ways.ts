/**
 * Ways to a venue that are not straight: a proxy, and a venue behind a certificate of its own. For
 * `using`: both are gone when their scope is left.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Proxy = Disposable & {
  /** http:// address. */
  readonly url: string;
  /** The addresses it was asked for. */
  readonly asked: readonly string[];
  /** With which credentials, as they stood in the header. */
  readonly authorized: readonly (string | undefined)[];
};

/** An HTTP proxy that knows CONNECT. */
export const startProxy = async (): Promise<Proxy> => {
  const asked: string[] = [];
  const authorized: (string | undefined)[] = [];
  const proxy = createServer((client) => {
    client.once('data', (bytes: Buffer) => {
      const head = bytes.toString();
      const [, host = '', port = ''] = /^CONNECT ([^:]+):(\d+)/.exec(head) ?? [];
      asked.push(`${host}:${port}`);
      authorized.push(/^proxy-authorization: *(.+?)\r$/im.exec(head)?.[1]);
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
  const address = proxy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    authorized,
    [Symbol.dispose]: () => void proxy.close(),
  };
};

export type TlsVenue = Disposable & {
  /** wss:// address. */
  readonly url: string;
  /** Its certificate in PEM, and the file that holds it. */
  readonly ca: string;
  readonly caFile: string;
  /** Which extensions each client offered. */
  readonly offered: readonly (string | null)[];
};

/** A venue behind TLS with a certificate that nobody has signed but itself. */
export const startTlsVenue = (greeting: string): TlsVenue => {
  const folder = mkdtempSync(join(tmpdir(), 'mdp-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
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
      open: (socket) => void socket.send(greeting, true),
      message: () => {},
    },
  });
  const ca = readFileSync(cert, 'utf8');
  return {
    url: `wss://127.0.0.1:${server.port}`,
    ca,
    caFile: cert,
    offered,
    [Symbol.dispose]: () => {
      void server.stop(true);
      rmSync(folder, { recursive: true });
    },
  };
};
