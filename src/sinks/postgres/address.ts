import { MdpError } from '../../runtime/errors.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** A name or address, or the directory of a unix socket. */
export type Host = { readonly host: string; readonly port: number };

/**
 * Where the database is and who we are there. `hosts` has at least one entry; the order is the
 * order of preference.
 */
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

const schemeForm = /^postgres(?:ql)?:\/\//;
const userForm = /^(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@/;
const placeForm = /^(?<hosts>[^/?]*)(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/;
const hostForm = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]]+))(?::(?<port>[0-9]{1,5}))?$/;

const known: ReadonlySet<string> = new Set(['sslmode', 'sslrootcert', 'host', 'port']);

/**
 * Parameters of libpq that we do our own way, or that ask for what we do not do only where it is
 * offered.
 */
const ignored: ReadonlySet<string> = new Set([
  'application_name',
  'channel_binding=disable',
  'channel_binding=prefer',
  'connect_timeout',
  'gssencmode=disable',
  'gssencmode=prefer',
  'keepalives',
  'target_session_attrs=read-write',
  'target_session_attrs=primary',
]);

/**
 * Reads `postgres://user:password@host:port,host:port/database?sslmode=…&sslrootcert=…`, every part
 * percent-encoded; a unix socket is `postgres://user@/database?host=/run/postgresql`. Of
 * `target_session_attrs` only `read-write` and `primary` are taken, which are checked for every
 * connection anyway. Throws `config`; messages never repeat the URL.
 */
export function parseAddress(url: string): Address {
  const rest = url.replace(schemeForm, '');
  const { user: name = '', password } = userForm.exec(rest)?.groups ?? {};
  const place = placeForm.exec(rest.replace(userForm, ''))?.groups;
  if (place === undefined || !schemeForm.test(url)) {
    throw refused('it is not postgres://user:password@host:port/database');
  }
  const query = parameters(place['query'] ?? '');
  const user = decode(name) || 'postgres';
  return {
    hosts: hostsOf(query.get('host') ?? decode(place['hosts'] ?? ''), query.get('port')),
    user,
    password: password === undefined ? undefined : decode(password),
    database: decode(place['database'] ?? '') || user,
    sslmode: sslModeOf(query.get('sslmode')),
    sslRootCert: query.get('sslrootcert'),
  };
}

function hostsOf(text: string, port = '5432'): readonly [Host, ...Host[]] {
  const [first = '', ...others] = text.split(',');
  return [hostOf(first, port), ...others.map((other) => hostOf(other, port))];
}

function hostOf(text: string, defaultPort: string): Host {
  const match = hostForm.exec(text === '' ? '127.0.0.1' : text)?.groups;
  const host = match?.['six'] ?? match?.['name'];
  const port = Number(match?.['port'] ?? defaultPort);
  if (host === undefined || !(port >= 1 && port <= 65_535)) throw refused('a host is malformed');
  return { host, port };
}

function parameters(query: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (known.has(name)) found.set(name, value);
    else if (!ignored.has(name) && !ignored.has(`${name}=${value}`)) {
      throw refused(`parameter ${name}, or its value, is not supported`);
    }
  }
  return found;
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
