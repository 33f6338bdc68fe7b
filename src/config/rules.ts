import type { Config } from './config.ts';
import type { Path } from './place.ts';

/** A rule between settings that each are sound by themselves: what is impossible together. */
type Rule = {
  /** The settings that it reads; it is not asked while one of them is unsound. */
  readonly keys: readonly string[];
  readonly broken: (config: Config) => readonly Fault[];
};

/** What is wrong, said of the setting at `path`. */
export type Fault = { readonly path: Path; readonly text: string };

/**
 * Every rule that the configuration breaks, but for those about settings that are unsound anyway.
 */
export function brokenRules(config: Config, unsound: ReadonlySet<string>): readonly Fault[] {
  const asked = rules.filter(({ keys }) => !keys.some((key) => unsound.has(key)));
  return asked.flatMap(({ broken }) => broken(config));
}

const shardInRange: Rule = {
  keys: ['shard.index', 'shard.count'],
  broken: ({ shard: { index, count } }) => {
    if (index < count) return [];
    const allowed = `an integer from 0 to ${count - 1}`;
    const text = `found ${index} with shard.count ${count}; allowed: ${allowed}`;
    return [{ path: ['shard', 'index'], text }];
  },
};

const tlsInPairs: Rule = {
  keys: ['http.tls.cert', 'http.tls.key', 'http.tls.client_ca'],
  broken: ({ http: { tls } }) => {
    if (tls.cert !== undefined && tls.key === undefined) return [alone('cert', 'key')];
    if (tls.key !== undefined && tls.cert === undefined) return [alone('key', 'cert')];
    return tls.clientCa !== undefined && tls.cert === undefined ? [alone('client_ca', 'cert')] : [];
  },
};

function alone(has: string, lacks: string): Fault {
  const text = `found without http.tls.${lacks}; give both, or remove it`;
  return { path: ['http', 'tls', has], text };
}

const aggregatesWhereTheyExist: Rule = {
  keys: ['sources'],
  broken: ({ sources }) =>
    sources.flatMap((source, index) => {
      if (!('trades' in source) || source.trades !== 'aggTrade' || source.type === 'binance') {
        return [];
      }
      const text = `found aggTrade; ${source.type} has no aggregate trades; allowed: trade`;
      return [{ path: ['sources', index, 'trades'], text }];
    }),
};

/** Ids of aggregate trades are another series: an instrument's rows hold the one or the other. */
const oneSeriesAnInstrument: Rule = {
  keys: ['sources'],
  broken: ({ sources }) => {
    const seriesOf = new Map<string, string>();
    return sources.flatMap((source, index) => {
      if (!('trades' in source) || !source.channels.includes('trades')) return [];
      return source.symbols.flatMap((symbol, at) => {
        const instrument = `${source.type} ${symbol}`;
        const series = seriesOf.get(instrument) ?? source.trades;
        seriesOf.set(instrument, series);
        if (series === source.trades) return [];
        const others = `another source takes it with trades: ${series}`;
        const text = `found ${instrument} with trades: ${source.trades}; ${others}; keep one`;
        return [{ path: ['sources', index, 'symbols', at], text }];
      });
    });
  },
};

const postgresAddress: Rule = {
  keys: ['database.url'],
  broken: ({ database: { url } }) => {
    if (!/^postgres(ql)?:/.test(url)) return [];
    const faults = [...hostFaults(url), ...sslmodeFaults(url)];
    return faults.map((text) => ({ path: ['database', 'url'], text }));
  },
};

/** Between `//` with user and password, and the path: hosts with ports, none for a socket. */
const hostsForm = /^[a-z]+:\/\/(?:.*@)?([^/?#@]*)/i;

function hostFaults(url: string): readonly string[] {
  const hosts = (hostsForm.exec(url)?.[1] ?? '').split(',');
  if (hosts.join('') === '' && !/[?&]host=/.test(url)) {
    return ['found no host; allowed: postgres://USER:PASSWORD@HOST:PORT/DATABASE'];
  }
  return hosts.flatMap((host) => {
    const port = /:([^:\]]*)$/.exec(host)?.[1];
    if (port === undefined || (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536))
      return [];
    return [
      'found a port that is none; allowed: an integer from 1 to 65535 ' +
        '(in a password write / ? # @ as %2F %3F %23 %40)',
    ];
  });
}

const sslmodes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

function sslmodeFaults(url: string): readonly string[] {
  const mode = /[?&]sslmode=([^&#]*)/.exec(url)?.[1];
  if (mode === undefined || sslmodes.includes(mode)) return [];
  return [`found an unknown sslmode; allowed: one of ${sslmodes.join(', ')}`];
}

const rules: readonly Rule[] = [
  shardInRange,
  tlsInPairs,
  aggregatesWhereTheyExist,
  oneSeriesAnInstrument,
  postgresAddress,
];
