/**
 * A run at log level debug, in both formats, led through what can go wrong with its database, its
 * feed, its journal and its HTTP side, with canaries in everything it holds.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binanceAck, startFeed, type Feed } from '../e2e/feed.ts';
import { inDirectory, startMdp, until, type Environment, type Running } from '../e2e/mdp.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { CONTENTS, expectSilent, SECRETS } from './canaries.ts';

const { password, apiKey, otherKey, query } = SECRETS;
const { price, size, symbol, text } = CONTENTS;

let server: PrivateServer;

beforeAll(async () => {
  server = await PrivateServer.start();
  await execute(server.url(), `create role canary login password '${password}'`);
  await server.requirePassword('canary');
}, 60_000);

afterAll(() => server.remove(), 60_000);

const tradeOf = (id: number, more: Readonly<Record<string, unknown>> = {}): string => {
  const now = Date.now();
  const trade = { e: 'trade', E: now, s: 'BTCUSDT', t: id, p: price, q: size, T: now, m: true };
  return JSON.stringify({ stream: 'btcusdt@trade', data: { ...trade, ...more } });
};

/** What no decoder, check or table takes, each with a canary in it. */
const badFrames = (): readonly string[] => [
  `{"stream": "${text}`,
  JSON.stringify({ what: text }),
  JSON.stringify({ error: { code: 2, msg: text }, id: 99 }),
  tradeOf(900, { p: text }),
  tradeOf(901, { p: `-${price}` }),
  tradeOf(902, { p: '0', q: size }),
  tradeOf(903, { T: Date.now() + 86_400_000 }),
  tradeOf(904, { T: text }),
  tradeOf(905, { s: symbol }),
  tradeOf(906, { s: `${symbol}\u0000` }),
  tradeOf(907, { p: `${price}${'1'.repeat(2000)}` }),
];

type Stage = {
  readonly run: Running;
  readonly feed: Feed;
  readonly admin: string;
  readonly directory: string;
  readonly log: () => string;
};

const told = (stage: Stage, sign: string | RegExp): Promise<string> =>
  until(
    () => Promise.resolve(stage.log()),
    (log) => (typeof sign === 'string' ? log.includes(sign) : sign.test(log)),
  );

const sinkReason = async ({ run }: Stage): Promise<string> =>
  (await run.health()).entries.find(({ kind }) => kind === 'sink')?.reason ?? '';

const stored = async ({ admin }: Stage): Promise<number> => {
  const [row] = await execute(admin, 'select count(*)::int as n from mdp.trade');
  return Number(row?.['n']);
};

/** Breaks the database by one statement, sees it told with `sign`, and mends it by another. */
const broken = async (stage: Stage, begin: string, sign: string, end: string, id: number) => {
  await execute(stage.admin, begin);
  const before = await stored(stage);
  await stage.feed.send([tradeOf(id), tradeOf(id + 1)]);
  await until(
    () => sinkReason(stage),
    (reason) => reason.includes(sign),
  );
  await execute(stage.admin, end);
  await until(
    () => stored(stage),
    (rows) => rows === before + 2,
  );
};

const throughDatabase = async (stage: Stage, url: (secret: string) => string): Promise<void> => {
  const say = (secret: string): void =>
    writeFileSync(join(stage.directory, 'url'), `${url(secret)}\n`);
  await until(
    () => sinkReason(stage),
    (reason) => reason.includes('28P01'),
  );
  say(password);
  await told(stage, 'The database is reached anew');
  await until(
    () => sinkReason(stage),
    (reason) => reason === '',
  );
  await stage.feed.send([tradeOf(1), tradeOf(2)]);
  await until(
    () => stored(stage).catch(() => 0),
    (rows) => rows === 2,
  );
  const raise = `create function mdp.tell() returns trigger language plpgsql as $$
    begin raise exception 'row % of %', new, '${text}' using detail = new::text; end $$;
    create trigger tell before insert on mdp.trade for each row execute function mdp.tell()`;
  await broken(stage, raise, 'P0001', 'drop trigger tell on mdp.trade', 3);
  const foreign = 'alter table mdp.trade owner to postgres';
  await broken(stage, foreign, '42501', 'alter table mdp.trade owner to canary', 5);
  await execute(
    stage.admin,
    `alter table mdp.trade add constraint sound check (price <> ${price}) not valid`,
  );
  await stage.feed.send([tradeOf(7)]);
  await told(stage, 'The database refused a row: dead-lettered');
  await execute(stage.admin, 'alter table mdp.trade drop constraint sound');
  await server.kill();
  await stage.feed.send([tradeOf(8), tradeOf(9)]);
  await until(
    () => sinkReason(stage),
    (reason) => reason.includes('ECONNREFUSED'),
  );
  await server.start();
  await until(
    () => sinkReason(stage),
    (reason) => reason === '',
  );
};

const throughFrames = async (stage: Stage): Promise<void> => {
  await stage.feed.send(badFrames());
  const counted = async (): Promise<string> => (await stage.run.get('/metrics')).text();
  const metrics = await until(counted, (seen) =>
    /mdp_dead_letters_total\{reason="not_json"\} [1-9]/.test(seen),
  );
  expect(metrics).toMatch(/mdp_rows_total\{kind="trade",outcome="rejected"\} [1-9]/);
  await told(stage, 'Input was refused and kept as a sample');
  await stage.feed.send([tradeOf(950), `{"stream":"${text}${'x'.repeat(5000)}"}`]);
  await told(stage, 'A hole in the trades was found');
  await told(stage, /larger|max_frame_bytes|oversized/i);
};

const throughHttp = async ({ run }: Stage): Promise<void> => {
  const asked = await Promise.all([
    run.get('/status', { authorization: `Bearer ${otherKey}` }),
    run.get('/status', { 'x-api-key': otherKey }),
    run.get(`/status?api_key=${otherKey}`),
    run.get(`/${query}?${query}=${query}`, { authorization: `Bearer ${apiKey}` }),
    run.get('/status', { 'x-api-key': apiKey }),
  ]);
  expect(asked.map(({ status }) => status)).toEqual([401, 401, 401, 404, 200]);
  for (const answer of asked) expectSilent(await answer.text(), { ...SECRETS });
};

const throughReload = async (stage: Stage): Promise<void> => {
  const file = join(stage.directory, 'config.yaml');
  const before = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    `${before}\nhttp:\n  api_keys: ${apiKey}: ${password}\ndatabase:\n  url: u:${password}@h\n`,
  );
  await told(stage, 'The new configuration is refused');
  writeFileSync(file, before);
  stage.run.signal('SIGHUP');
  await told(stage, 'Configuration read again');
};

/** Killed, with frames in its journal that no database has. */
const leaveUnsettled = async ({ run, feed }: Stage): Promise<void> => {
  await server.kill();
  const received = async (): Promise<number> => {
    const metrics = await (await run.get('/metrics')).text();
    return Number(/mdp_frames_total\{outcome="received"\} (\d+)/.exec(metrics)?.[1]);
  };
  const before = await received();
  // One by one: what comes together is damaged together.
  for (const n of [1, 2, 3]) {
    await feed.send([tradeOf(950 + n)]);
    await until(received, (now) => now === before + n);
  }
  // By then it is in the journal's file, as is promised.
  await Bun.sleep(100);
  run.signal('SIGKILL');
  await run.exited;
};

/** A byte of a frame in the newest segment is turned over. */
const damageJournal = (directory: string): void => {
  const journal = join(directory, 'data/journal');
  const names = readdirSync(journal).filter((name) => name.endsWith('.mdpj'));
  const file = names.toSorted().at(-1) ?? '';
  const bytes = readFileSync(join(journal, file));
  // The last record would be taken for one that was cut off.
  const at = bytes.lastIndexOf(price, bytes.lastIndexOf(price) - 1);
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(join(journal, file), bytes);
};

test.each(['json', 'text'])(
  'in format %s',
  (format) =>
    inDirectory(async (directory) => {
      const name = `canary_${format}`;
      await execute(server.url(), `create database ${name} owner canary`);
      const url = (secret: string): string =>
        server.url(name).replace('postgres@', `canary:${secret}@`);
      writeFileSync(join(directory, 'url'), url(`${password}-of-yesterday`));
      const feed = startFeed({ frames: [], acknowledge: binanceAck });
      const address = `${feed.url}/?token=${query}`;
      writeFileSync(
        join(directory, 'config.yaml'),
        `sources:
  - type: binance
    symbols: [BTCUSDT]
    channels: [trades]
    max_frame_bytes: 4096
    url: "${address}"\n`,
      );
      const environment: Environment = {
        DATABASE_URL_FILE: './url',
        API_KEY: apiKey,
        PIPELINE_LOG_LEVEL: 'debug',
        PIPELINE_LOG_FORMAT: format,
        PIPELINE_HTTP_AUDIT_LOG: './audit.log',
      };
      const run = await startMdp(directory, environment);
      await feed.played;
      const stage: Stage = { run, feed, admin: server.url(name), directory, log: run.log };
      await throughDatabase(stage, url);
      await throughFrames(stage);
      await throughHttp(stage);
      await throughReload(stage);
      await leaveUnsettled(stage);
      damageJournal(directory);
      await server.start();
      const again = await startMdp(directory, environment);
      await told({ ...stage, run: again, log: again.log }, 'records of the journal are damaged');
      expect(await again.stop()).toBe(0);
      for (const life of [run, again]) {
        expectSilent(life.log());
        expectSilent(life.stdout());
      }
      const audit = readFileSync(join(directory, 'audit.log'), 'utf8');
      expect(audit).toContain('"status":401');
      expectSilent(audit);
      await feed.stop();
    }),
  120_000,
);
