import { MdpError } from '../../runtime/errors.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export type Host = { readonly host: string; readonly port: number };

/** Where the database is and who we are there. `hosts` has at least one entry; the order is the order of preference. */
export type Address = {
  readonly hosts: readonly [Host, ...Host[]];
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly sslmode: SslMode | undefined;
  readonly sslRootCert: string | undefined;
};

const sslModes: readonly SslMode[] = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
];

const urlForm =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<hosts>[^/?]*)(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/;
const hostForm = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]]+))(?::(?<port>[0-9]{1,5}))?$/;

/** Parameters of libpq that we do ourselves or that have no meaning here. */
const ignored: ReadonlySet<string> = new Set([
  'application_name',
  'connect_timeout',
  'target_session_attrs',
]);

/**
 * Reads `postgres://user:password@host:port,host:port/database?sslmode=…&sslrootcert=…`, every part percent-encoded.
 * `target_session_attrs` may be `read-write` or `primary` only, which is checked for every connection anyway. Throws
 * `config`; messages never repeat the URL.
 */
export function parseAddress(url: string): Address {
  const parts = urlForm.exec(url)?.groups;
  if (parts === undefined) throw refused('it is not postgres://user:password@host:port/database');
  const query = parameters(parts['query'] ?? '');
  const user = decode(parts['user'] ?? '') || 'postgres';
  const password = parts['password'];
  return {
    hosts: hostsOf(parts['hosts'] ?? ''),
    user,
    password: password === undefined ? undefined : decode(password),
    database: decode(parts['database'] ?? '') || user,
    sslmode: sslModeOf(query.get('sslmode')),
    sslRootCert: query.get('sslrootcert'),
  };
}

function hostsOf(text: string): readonly [Host, ...Host[]] {
  const [first, ...others] = text.split(',').map(hostOf);
  return [first ?? hostOf(''), ...others];
}

function hostOf(text: string): Host {
  if (text === '') return { host: '127.0.0.1', port: 5432 };
  const match = hostForm.exec(decode(text))?.groups;
  const host = match?.['six'] ?? match?.['name'];
  const port = Number(match?.['port'] ?? 5432);
  if (host === undefined || port < 1 || port > 65_535) throw refused('a host is malformed');
  return { host, port };
}

function parameters(query: string): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'target_session_attrs' && value !== 'read-write' && value !== 'primary') {
      throw refused('target_session_attrs must be read-write: the pipeline writes');
    }
    if (name === 'sslmode' || name === 'sslrootcert') known.set(name, value);
    else if (!ignored.has(name)) throw refused(`parameter ${name} is not known`);
  }
  return known;
}

function sslModeOf(value: string | undefined): SslMode | undefined {
  if (value === undefined) return undefined;
  const mode = sslModes.find((name) => name === value);
  if (mode === undefined) throw refused(`sslmode must be one of ${sslModes.join(', ')}`);
  return mode;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The cause would repeat the text, which may be the password.
    throw refused('a percent-encoding is malformed');
  }
}

function refused(why: string): MdpError {
  return new MdpError('config', `database.url is refused: ${why}`, {
    hint: 'postgres://user:password@host:5432/database?sslmode=verify-full',
  });
}
