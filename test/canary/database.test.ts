/** Every command that meets a database which refuses it, or holds what it must not repeat. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory, mdp, startMdp, until, type Environment, type Finished } from '../e2e/mdp.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { CONTENTS, expectDiscreet, expectSilent, SECRETS } from './canaries.ts';

const { password } = SECRETS;
const { price, size, symbol, text } = CONTENTS;

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
  await execute(server.url(), `create role canary login password '${password}'`);
  await server.requirePassword('canary');
}, 60_000);

afterAll(() => server.remove(), 60_000);

const urlOf = (database: string, secret: string = password): string =>
  server.url(database).replace('postgres@', `canary:${secret}@`);

const envOf = (url: string): Environment => ({
  DATABASE_URL: url,
  PIPELINE_LOG_LEVEL: 'debug',
  PIPELINE_SOURCES: '[{"type":"synthetic"}]',
});

const DAY = 1_795_435_200_000;

const frameOf = (id: number, more: Readonly<Record<string, unknown>> = {}): string => {
  const trade = { e: 'trade', E: DAY, s: 'BTCUSDT', t: id, p: price, q: size, T: DAY, m: true };
  return JSON.stringify({ stream: 'btcusdt@trade', data: { ...trade, ...more } });
};

/** A good trade, garbage, what no check takes, what no table takes, and a line that is none. */
const recording = (): string => {
  const frames = [
    frameOf(1),
    `{"stream": "${text}`,
    frameOf(3, { p: text }),
    frameOf(4, { p: `-${price}` }),
    frameOf(5, { s: `${symbol}\u0000` }),
    frameOf(6, { p: '0.5', q: `0.${'1'.repeat(3000)}` }),
    frameOf(7),
  ];
  const lines = frames.map((frame, index) => `${DAY * 1000 + index} ${frame}`);
  return [...lines, `${text} is not a time`, ''].join('\n');
};

/** Commands that reach for the database, and write to it. */
const COMMANDS: readonly (readonly string[])[] = [
  ['migrate'],
  ['doctor'],
  ['doctor', '--format', 'json'],
  ['query', 'trades', 'BTCUSDT'],
  ['deadletter', 'ls'],
  ['deadletter', 'retry'],
  ['deadletter', 'purge'],
];

type Case = {
  readonly name: string;
  readonly url: () => string | Promise<string>;
  readonly sign: RegExp;
};

const cases: readonly Case[] = [
  {
    name: 'away',
    url: () => `postgres://canary:${password}@127.0.0.1:1/db`,
    sign: /ECONNREFUSED/,
  },
  {
    name: 'a host that does not exist',
    url: () => `postgres://canary:${password}@no.such.host.invalid/db`,
    sign: /ENOTFOUND|EAI_AGAIN/,
  },
  { name: 'a wrong password', url: () => urlOf('postgres', `wrong-${password}`), sign: /28P01/ },
  { name: 'no such database', url: () => urlOf('nowhere'), sign: /3D000/ },
  {
    name: 'no TLS where it is demanded',
    url: () => `${urlOf('postgres')}?sslmode=require`,
    sign: /ECONNRESET/,
  },
  {
    name: 'no TLS where it is to be verified',
    url: () => `${urlOf('postgres')}?sslmode=verify-full`,
    sign: /ECONNRESET/,
  },
  {
    name: 'no right to make anything',
    url: async () => {
      await execute(server.url(), 'create database bare');
      await execute(server.url(), 'revoke create on database bare from public');
      return urlOf('bare');
    },
    sign: /42501|schema mdp/,
  },
  {
    name: 'a schema of a later program',
    url: async () => {
      await execute(server.url(), 'create database later owner canary');
      await mdp('/tmp', ['migrate'], envOf(urlOf('later')));
      await execute(
        server.url('later'),
        "insert into mdp.schema_version (version, name) values (99, 'of a later program')",
      );
      return urlOf('later');
    },
    sign: /schema mdp has version 99/,
  },
];

/** Runs until it has told what is wrong, and is stopped. */
const ran = async (
  directory: string,
  environment: Environment,
  format: string,
  { sign }: Case,
): Promise<void> => {
  const run = await startMdp(directory, {
    ...environment,
    PIPELINE_LOG_FORMAT: format,
    PIPELINE_JOURNAL_DIR: `./journal-${format}`,
    PIPELINE_DRAIN_MS: '200',
  });
  await until(
    () => Promise.resolve(run.log()),
    (log) => sign.test(log),
  );
  await run.stop();
  expectSilent(run.log());
  expectSilent(run.stdout());
};

test.each(cases.map((one) => [one.name, one] as const))('a database: %s', (_, one) =>
  inDirectory(async (directory) => {
    const environment = envOf(await one.url());
    const said = await Promise.all(COMMANDS.map((args) => mdp(directory, args, environment)));
    for (const [index, outcome] of said.entries()) {
      expectDiscreet(outcome, COMMANDS[index]?.[0] === 'deadletter' ? /./s : one.sign);
    }
    await Promise.all(['json', 'text'].map((format) => ran(directory, environment, format, one)));
  }),
);

test('what is replayed, refused, listed and tried again', () =>
  inDirectory(async (directory) => {
    await execute(server.url(), 'create database poison owner canary');
    const environment = envOf(urlOf('poison'));
    const say = (...args: readonly string[]): Promise<Finished> =>
      mdp(directory, args, environment);
    expect((await say('migrate')).code).toBe(0);
    await execute(
      server.url('poison'),
      `alter table mdp.trade add constraint sound check (price <> ${price})`,
    );
    writeFileSync(join(directory, 'hft-day'), recording());
    for (const format of ['json', 'text']) {
      const replayed = await mdp(directory, ['replay', 'hft-day', '--venue', 'binance'], {
        ...environment,
        PIPELINE_LOG_FORMAT: format,
      });
      expectDiscreet(replayed, 'dead-lettered');
      expectDiscreet(replayed, 'unreadable recording');
      expectDiscreet(replayed, 'Input was refused and kept as a sample');
    }
    const letters = await say('deadletter', 'ls');
    expectDiscreet(letters, /[1-9]\d* dead letters/, 'data');
    expect(letters.stdout).toContain(price);
    expect(letters.stdout).toContain('23514');
    expectDiscreet(await say('deadletter', 'retry', '--venue', 'binance'), 'refused again');
    expectDiscreet(await say('query', 'trades', 'BTCUSDT'), /./s, 'data');
    expectDiscreet(await say('query', 'trades', 'BTCUSD'), 'is not known');
    const replaced = ['--from', '2026-11-23T00:00:00Z', '--to', '2026-11-24T00:00:00Z'];
    expectDiscreet(
      await say('replay', 'hft-day', '--venue', 'binance', '--replace', ...replaced),
      /journal|Removed|refused|only/i,
    );
    expectDiscreet(await say('doctor'), 'database');
    expectDiscreet(await say('deadletter', 'purge'), 'dead letters removed');
  }));
