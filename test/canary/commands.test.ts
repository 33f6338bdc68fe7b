/** Secrets through every refusal of a configuration or command line: none is shown. */
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory, mdp, type Environment } from '../e2e/mdp.ts';
import { expectDiscreet, SECRETS } from './canaries.ts';

const { password, apiKey, otherKey, fileText, query, proxy, header } = SECRETS;

type Case = {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: Environment;
  readonly yaml?: string;
  /** In what it says: proof that the path was taken. */
  readonly sign: string | RegExp;
  readonly code?: number;
};

const url = (text: string): Environment => ({ DATABASE_URL: text });
const source = (more: Readonly<Record<string, unknown>>): Environment => ({
  ...url('sqlite:./mdp.db'),
  PIPELINE_SOURCES: JSON.stringify([{ type: 'binance', symbols: ['BTCUSDT'], ...more }]),
});

const databaseUrls: readonly Case[] = [
  ['a port that is none', `postgres://u:${password}@h:99999/db`, 'a port that is none'],
  ['a host that is none', `postgres://u:${password}@[h/db`, 'a host is malformed'],
  ['an unescaped @', `postgres://u:pa@${password}@h/db`, 'the connection to PostgreSQL failed'],
  ['an unescaped /', `postgres://u:pa/${password}@h/db`, /malformed|not postgres:/],
  ['a broken escape', `postgres://u:%zz${password}@h/db`, 'percent-encoding is malformed'],
  ['an unknown ssl mode', `postgres://u:${password}@h/db?sslmode=${query}`, 'an unknown sslmode'],
  ['an unknown parameter', `postgres://u@h/db?password=${password}`, 'parameter password'],
].map(([name = '', text = '', sign = '']) => ({
  name: `database.url with ${name}`,
  args: ['migrate'],
  env: url(String(text)),
  sign,
}));

const schemes: readonly Case[] = [
  `postgres//u:${password}@h/db`,
  `u:${password}@h/db`,
  `mysql://u:${password}@h/db`,
  password,
].map((text) => ({
  name: `database.url without its scheme: ${text.length}`,
  env: url(text),
  sign: 'database.url',
  code: 2,
}));

const cases: readonly Case[] = [
  ...databaseUrls,
  ...schemes,
  {
    name: 'database.url in the place of its file',
    env: { DATABASE_URL_FILE: `postgres://u:${password}@h/db` },
    sign: /DATABASE_URL_FILE.*cannot read the file/,
    code: 2,
  },
  {
    name: 'a key in the place of its file',
    env: { API_KEY_FILE: apiKey },
    sign: /API_KEY_FILE.*cannot read the file/,
    code: 2,
  },
  {
    name: 'two places that say different secrets',
    env: { ...url(`postgres://u:${password}@h/db`), DATABASE_URL_FILE: './secret' },
    sign: 'says another value',
    code: 2,
  },
  {
    name: 'a secret file that holds none',
    env: { DATABASE_URL_FILE: './secret' },
    sign: 'database.url',
    code: 2,
  },
  {
    name: 'API keys that are refused',
    yaml: `http:\n  api_keys: [{ key: ${apiKey} }, 7]\n`,
    sign: 'http.api_keys',
    code: 2,
  },
  {
    name: 'an unknown key beside a secret',
    yaml: `database:\n  password: ${password}\n  url: postgres://u:${password}@h/db\n`,
    sign: 'database.password',
    code: 2,
  },
  {
    name: 'a section that is a secret',
    yaml: `database: postgres://u:${password}@h/db\n`,
    sign: /config\.yaml:1/,
    code: 2,
  },
  {
    name: 'YAML that breaks at a secret',
    yaml: `database:\n  url: "postgres://u:${password}@h/db\nhttp:\n`,
    sign: /config\.yaml:\d/,
    code: 2,
  },
  {
    name: 'YAML with two secrets in a line',
    yaml: `http: api_keys: ${apiKey} url: ${password}\n`,
    sign: /config\.yaml:1/,
    code: 2,
  },
  {
    name: 'a secret twice',
    yaml: `database:\n  url: postgres://u:${password}@h/db\n  url: postgres://v:${password}@h/db\n`,
    sign: 'the same key twice',
    code: 2,
  },
  {
    name: 'PIPELINE_SOURCES that breaks at a secret',
    env: { PIPELINE_SOURCES: `[{"type":"binance","url":"wss://u:${password}@h/?t=${query}" "x"}]` },
    sign: 'PIPELINE_SOURCES',
    code: 2,
  },
  {
    name: 'a source address of another scheme',
    env: source({ url: `https://u:${password}@h/?t=${query}` }),
    sign: 'sources[0].url',
    code: 2,
  },
  {
    name: 'a source address without a scheme',
    env: source({ url: `u:${password}@h/?t=${query}` }),
    sign: 'sources[0].url',
    code: 2,
  },
  {
    name: 'a proxy without a scheme',
    env: source({ proxy: `u:${proxy}@h:3128` }),
    sign: 'sources[0].proxy',
    code: 2,
  },
  {
    name: 'a proxy of another scheme',
    env: source({ proxy: `socks5://u:${proxy}@h:3128` }),
    sign: 'sources[0].proxy',
    code: 2,
  },
  {
    name: 'an unknown variable',
    env: { PIPELINE_DATABASE_PASSWORD: password },
    sign: 'PIPELINE_DATABASE_PASSWORD',
    code: 2,
  },
  {
    name: 'a number that is a secret',
    env: { PIPELINE_BATCH_SIZE: `postgres://u:${password}@h/db` },
    sign: 'PIPELINE_BATCH_SIZE',
    code: 2,
  },
  {
    name: 'OTEL_ variables that are wrong',
    env: {
      PIPELINE_ENABLE_TRACING: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: `u:${password}@h`,
      OTEL_EXPORTER_OTLP_HEADERS: header,
    },
    sign: /OTEL_EXPORTER_OTLP_ENDPOINT[^]*OTEL_EXPORTER_OTLP_HEADERS/,
    code: 2,
  },
  {
    name: 'a certificate file that is a secret',
    args: ['migrate'],
    env: {
      ...url(`postgres://u:${password}@127.0.0.1:1/db?sslmode=verify-full`),
      PIPELINE_DATABASE_SSL_CA: '/nowhere',
    },
    sign: 'CA file /nowhere',
  },
  ...['migrate', 'doctor', 'check', 'config', 'run', 'query', 'journal', 'deadletter'].map(
    (verb) => ({
      name: `mdp ${verb} with an address for an argument`,
      args: [verb, `postgres://u:${password}@h/db?t=${query}`],
      env: source({}),
      sign: 'postgres://***@h/db?***',
      code: 2,
    }),
  ),
  {
    name: 'mdp replay of an address',
    args: ['replay', `postgres://u:${password}@h/db?t=${query}`, '--venue', 'binance'],
    env: url('sqlite:./mdp.db'),
    sign: 'there is no file or directory postgres://***@h/db?***',
    code: 1,
  },
  {
    name: 'an address for a command',
    args: [`postgres://u:${password}@h/db`],
    sign: 'there is no command',
    code: 2,
  },
  {
    name: 'an unknown option',
    args: ['run', `--database-url=postgres://u:${password}@h/db`],
    sign: '--database-url',
    code: 2,
  },
  {
    name: 'mdp config, which shows what is in force',
    args: ['config'],
    env: {
      ...url(`postgres://u:${password}@h/db?sslkey=${query}`),
      API_KEY: `${apiKey},${otherKey}`,
      PIPELINE_SOURCES: JSON.stringify([
        {
          type: 'binance',
          symbols: ['BTCUSDT'],
          url: `wss://u:${password}@h/ws?stream=${query}`,
          proxy: `http://u:${proxy}@h:3128`,
        },
      ]),
    },
    sign: /url: .*\*\*\*[^]*proxy: .*\*\*\*/,
    code: 0,
  },
  {
    name: 'mdp check, with warnings',
    args: ['check'],
    env: {
      ...url(`postgres://u:${password}@h/db`),
      API_KEY: apiKey,
      ...source({ url: `ws://u:${password}@h/?a=${query}` }),
      PIPELINE_PACING_BUDGET_BURST: '5',
    },
    sign: 'warning:',
    code: 0,
  },
  {
    name: 'mdp migrate --print',
    args: ['migrate', '--print'],
    env: url(`postgres://u:${password}@h/db`),
    sign: 'create table',
    code: 0,
  },
  {
    name: 'mdp healthcheck',
    args: ['healthcheck'],
    env: { API_KEY: apiKey, PIPELINE_HTTP_PORT: '1' },
    sign: 'does not answer',
    code: 1,
  },
];

test.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) =>
  inDirectory(async (directory) => {
    writeFileSync(join(directory, 'secret'), `${fileText}\n`);
    if (one.yaml !== undefined) writeFileSync(join(directory, 'config.yaml'), one.yaml);
    const said = await mdp(directory, one.args ?? ['check'], {
      PIPELINE_LOG_LEVEL: 'debug',
      ...one.env,
    });
    expectDiscreet(said, one.sign);
    if (one.code !== undefined) expect(said.code).toBe(one.code);
  }),
);
