/** TLS connections as a client opens them, one at a time, each its own. */
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';

export type Credentials = { readonly cert?: string; readonly key?: string };

type Offer = Credentials & {
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
};

/** An open connection that trusts whoever answers; rejects when there is none. */
export const opened = (port: number, offer: Offer = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ...offer };
    const socket = connect(options, () => resolve(socket));
    socket.once('error', reject);
  });

/** The CN of the certificate that a new connection gets. */
export const servedName = async (port: number, credentials: Credentials = {}): Promise<string> => {
  const socket = await opened(port, credentials);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
};

/** Sends a GET on an open connection and gives the whole answer, headers first. */
export const asked = (socket: TLSSocket, path: string, headers = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = '';
    const take = (bytes: Buffer): void => {
      answer += bytes.toString('latin1');
      const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (body.length >= length) end(() => resolve(answer));
    };
    const lost = (): void => end(() => reject(new Error(`the connection ended: ${answer}`)));
    const end = (settle: () => void): void => {
      socket.off('data', take).off('close', lost).off('error', lost);
      settle();
    };
    socket.on('data', take).on('close', lost).on('error', lost);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  });
