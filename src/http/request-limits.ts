/** Why a request is not looked at, whatever it asks for. */
export type Unfit = {
  readonly status: 405 | 413 | 414;
  readonly error: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** Of path and query, in bytes; the longest route has 13. */
export const MAX_TARGET_BYTES = 1024;

/**
 * Every route is read by GET or HEAD and takes no body; a connection on which one was announced is
 * closed, as what follows on it cannot be told from a request. Headers are bounded by the runtime:
 * 16 KiB together, else 431.
 */
export const unfitness = ({ method, url, headers }: Request): Unfit | undefined => {
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, error: 'read only', headers: { allow: 'GET, HEAD', ...CLOSE } };
  }
  const length = headers.get('content-length') ?? '0';
  if (length !== '0' || headers.has('transfer-encoding')) {
    return { status: 413, error: 'no route takes a body', headers: CLOSE };
  }
  if (targetOf(url).length > MAX_TARGET_BYTES) {
    return { status: 414, error: 'the address is too long', headers: {} };
  }
  return undefined;
};

const CLOSE = { connection: 'close' };

/** Without a usable Host header the URL of a request is its target alone. */
const targetOf = (url: string): string => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '');

/** The path that is routed, the same way with a usable Host header and without. */
export const pathOf = ({ url }: Request): string => {
  const path = targetOf(url).replace(/[?#].*$/s, '');
  return path === '' ? '/' : path;
};
