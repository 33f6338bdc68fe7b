/** The handshake of the WebSocket protocol (RFC 6455, section 4), on the client's side. */
import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_HEAD_BYTES = 64 * 1024;
/** Of what a server says, for an operator. */
const MAX_WORDS = 200;
const END = '\r\n\r\n';

/** A key that no one has used before. */
export const newKey = (): string => randomBytes(16).toString('base64');

export const upgradeRequest = (url: URL, key: string): Buffer => {
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
  ];
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
    lines.push(`Authorization: Basic ${Buffer.from(credentials).toString('base64')}`);
  }
  return Buffer.from(lines.join('\r\n') + END);
};

/** An address may hold a `%` that begins no escape. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** What the server answered. `size`: bytes of its head, behind which frames begin. */
export type UpgradeAnswer =
  | { readonly kind: 'accepted'; readonly size: number }
  | { readonly kind: 'refused'; readonly message: string; readonly status: number | undefined };

/** undefined while the head is not whole. */
export const readAnswer = (bytes: Buffer, key: string): UpgradeAnswer | undefined => {
  const end = bytes.indexOf(END);
  if (end < 0 && bytes.length < MAX_HEAD_BYTES) return undefined;
  const size = end > MAX_HEAD_BYTES ? 0 : Math.max(0, end);
  const [first = '', ...lines] = bytes.latin1Slice(0, size).split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1];
  if (end < 0 || status === undefined) return refused('no answer in HTTP to the upgrade');
  if (status !== '101') {
    const words = first.slice('HTTP/1.1 '.length, MAX_WORDS).replaceAll(/[^ -~]/g, '.');
    return refused(`the upgrade was answered with ${words}`, status);
  }
  const fault = faultIn(headersOf(lines), key);
  return fault === undefined ? { kind: 'accepted', size: end + END.length } : refused(fault);
};

const refused = (message: string, status?: string): UpgradeAnswer => ({
  kind: 'refused',
  message,
  status: status === undefined ? undefined : Number(status),
});

/** By name in lower case; of one that comes again the values with a comma between them. */
const headersOf = (lines: readonly string[]): ReadonlyMap<string, string> => {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
};

const faultIn = (headers: ReadonlyMap<string, string>, key: string): string | undefined => {
  const words = (name: string): readonly string[] =>
    (headers.get(name) ?? '').split(',').map((word) => word.trim().toLowerCase());
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  if (!words('upgrade').includes('websocket')) return 'the upgrade was answered without Upgrade';
  if (!words('connection').includes('upgrade'))
    return 'the upgrade was answered without Connection';
  if (headers.get('sec-websocket-accept') !== accept)
    return 'the upgrade was answered by a stranger';
  const extras = ['sec-websocket-extensions', 'sec-websocket-protocol'];
  const extra = extras.find((name) => headers.has(name));
  return extra === undefined ? undefined : `the upgrade was answered with a ${extra} not asked for`;
};
