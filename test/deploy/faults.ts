/**
 * The pipelines that the monitoring test watches: one that is well, and some in which every fault
 * that an alert is for is made to happen.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerWebSocket } from 'bun';
import { inDirectory, startMdp, until, type Environment, type Running } from '../e2e/mdp.ts';
import { damage } from '../e2e/damage.ts';
import { selfSigned } from '../http/certificates.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { SmallDisk } from '../postgres/small-disk.ts';
import { freePort } from '../free-port.ts';

/** Nothing is wrong here: no alert may name it. */
export const startCalm = (directory: string): Promise<Running> => startMdp(directory);

/** Late, doubled and missing trades, and more frames than the budget allows, until some must go. */
export const startOdd = (directory: string): Promise<Running> => {
  const odd = { late: 0.1, duplicate: 0.05, gap: 0.05 };
  return startMdp(directory, {
    PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', rate: 400, odd }]),
    PIPELINE_OPERATORS_BARS_ALLOWED_LATENESS_MS: '0',
    PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '150',
    PIPELINE_OP_QUEUE_MAX: '1',
    PIPELINE_JOURNAL_ENABLED: 'false',
    PIPELINE_HTTP_AUDIT_LOG: join(directory, 'audit.log'),
  });
};

/** A request that cannot be noted: where the file was, nothing can be written. */
export const loseAuditLine = async (directory: string, run: Running): Promise<void> => {
  rmSync(join(directory, 'audit.log'));
  mkdirSync(join(directory, 'audit.log'));
  await run.get('/status');
};

/** Serves a certificate that ends in two days. */
export const startExpiring = (directory: string): Promise<Running> => {
  const { certFile, keyFile } = selfSigned(directory, 'short');
  return startMdp(directory, {
    PIPELINE_HTTP_TLS_CERT: certFile,
    PIPELINE_HTTP_TLS_KEY: keyFile,
  });
};

/** A changed configuration that is refused. */
export const refuseConfiguration = (directory: string, run: Running): void => {
  writeFileSync(join(directory, 'config.yaml'), 'sinks: {}\n');
  run.signal('SIGHUP');
};

/** Most of the time it may not run: as on a machine without CPU to spare. */
export const stall = async (run: Running): Promise<void> => {
  run.signal('SIGSTOP');
  await Bun.sleep(700);
  run.signal('SIGCONT');
  await Bun.sleep(300);
};

type Script = {
  /** On a new subscription. */
  readonly subscribed: (socket: ServerWebSocket, request: string) => void;
};

const startVenue = (script: Script) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, bun) =>
      bun.upgrade(request) ? undefined : new Response('a WebSocket is expected', { status: 400 }),
    websocket: { message: (socket, text) => script.subscribed(socket, text.toString()) },
  });

const acknowledge = (socket: ServerWebSocket, request: string): void => {
  socket.send(`{"result":null,"id":${/"id":(\d+)/.exec(request)?.[1] ?? 'null'}}`);
};

let lastId = 0;

/** A trade as Binance sends it, `age` ms old. */
const tradeFrame = (age: number): string => {
  lastId += 1;
  const at = Date.now() - age;
  const data = { e: 'trade', E: at, s: 'BTCUSDT', t: lastId, p: '1.5', q: '2', T: at, m: true };
  return JSON.stringify({ stream: 'btcusdt@trade', data });
};

const every = (ms: number, socket: ServerWebSocket, frame: () => string): void => {
  const timer = setInterval(() => (socket.readyState === 1 ? socket.send(frame()) : stop()), ms);
  const stop = (): void => clearInterval(timer);
};

/** What each venue does to its subscriber, by the name of the source. */
const scripts: Readonly<Record<string, Script>> = {
  lagging: {
    subscribed: (socket, request) => {
      acknowledge(socket, request);
      every(20, socket, () => tradeFrame(20_000));
      every(500, socket, () => 'not JSON');
    },
  },
  flapping: {
    subscribed: (socket, request) => {
      acknowledge(socket, request);
      socket.send(tradeFrame(0));
      setTimeout(() => socket.close(), 50);
    },
  },
  mute: { subscribed: acknowledge },
  refusing: {
    subscribed: (socket, request) => {
      const id = /"req_id":(\d+)/.exec(request)?.[1] ?? '0';
      socket.send(
        `{"error":"Currency pair not supported BTC/NONE","method":"subscribe",` +
          `"req_id":${id},"success":false,"symbol":"BTC/NONE"}`,
      );
    },
  },
};

/** A pipeline and what must be stopped with it. */
export type Faulty = { readonly run: Running; stop(): Promise<void> };

/** Every way in which a venue misbehaves, and a database that is held up by others. */
export const startTroubled = async (directory: string): Promise<Faulty & { url: string }> => {
  const server = await PrivateServer.start();
  const venues = Object.entries(scripts).map(([name, script]) => ({
    name,
    venue: startVenue(script),
  }));
  const sources = venues.map(({ name, venue }) => ({
    type: name === 'refusing' ? 'kraken' : 'binance',
    name,
    symbols: name === 'refusing' ? ['BTC/NONE'] : ['BTCUSDT'],
    channels: ['trades'],
    url: `ws://127.0.0.1:${venue.port}`,
    mute_after_ms: name === 'mute' ? 300 : 60_000,
  }));
  const down = { ...sources[0], name: 'down', url: `ws://127.0.0.1:${freePort()}` };
  const run = await startMdp(directory, {
    DATABASE_URL: server.url(),
    PIPELINE_SOURCES: JSON.stringify([...sources, down]),
    PIPELINE_BATCH_SIZE: '10',
  });
  const stop = async (): Promise<void> => {
    await run.stop();
    for (const { venue } of venues) await venue.stop(true);
    await server.remove();
  };
  return { run, stop, url: server.url() };
};

/** Holds the trades locked until commits have taken longer than every threshold. */
export const holdUpCommits = async (url: string): Promise<void> => {
  const locked = `begin; lock table mdp.trade in exclusive mode; select pg_sleep(7); commit`;
  await execute(url, locked);
};

const MIB = 1024 * 1024;

/**
 * Without its database from the start, without a journal, and flooded: what waits in memory grows
 * to its bound, then frames are given up.
 */
export const startAdrift = async (directory: string): Promise<Faulty> => {
  const pad = 'x'.repeat(MIB - 1024);
  const venue = startVenue({
    subscribed: (socket, request) => {
      acknowledge(socket, request);
      every(20, socket, () => tradeFrame(0));
      every(10, socket, () => `{"pad":"${pad}"}`);
    },
  });
  const url = `ws://127.0.0.1:${venue.port}`;
  const source = { type: 'binance', symbols: ['BTCUSDT'], channels: ['trades'], url };
  const run = await startMdp(directory, {
    DATABASE_URL: `postgres://nobody@127.0.0.1:${freePort()}/nowhere`,
    PIPELINE_SOURCES: JSON.stringify([source]),
    PIPELINE_BATCH_SIZE: '1',
    PIPELINE_JOURNAL_ENABLED: 'false',
    PIPELINE_MAX_MEMORY_BYTES: String(500 * MIB),
    PIPELINE_OP_QUEUE_MAX: '10000',
    PIPELINE_DRAIN_MS: '1',
  });
  const stop = async (): Promise<void> => {
    await run.stop();
    await venue.stop(true);
  };
  return { run, stop };
};

/** Without its database, and with a journal that is soon full. */
export const startPiling = (directory: string): Promise<Running> =>
  startMdp(directory, {
    DATABASE_URL: `postgres://nobody@127.0.0.1:${freePort()}/nowhere`,
    PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', rate: 5000 }]),
    PIPELINE_JOURNAL_MAX_BYTES: '1MiB',
    PIPELINE_JOURNAL_MIN_FREE_BYTES: '0',
    PIPELINE_MAX_MEMORY_BYTES: String(MIB),
    PIPELINE_DRAIN_MS: '1',
  });

/** Without its database, on a disk that takes nothing any more. */
export const startAway = async (directory: string): Promise<Faulty> => {
  const disk = SmallDisk.mount('2m');
  const run = await startMdp(directory, {
    DATABASE_URL: `postgres://nobody@127.0.0.1:${freePort()}/nowhere`,
    PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', rate: 2000 }]),
    PIPELINE_JOURNAL_DIR: join(disk.path, 'journal'),
    PIPELINE_JOURNAL_MIN_FREE_BYTES: '0',
    PIPELINE_DRAIN_MS: '1',
  });
  const stop = async (): Promise<void> => {
    await run.stop();
    disk.remove();
  };
  return { run, stop };
};

/** Killed with records that wait in its journal, which the disk then gives back damaged. */
export const startDamaged = async (
  directory: string,
  port: number,
  seen: () => Promise<boolean>,
): Promise<Running> => {
  const env = {
    PIPELINE_HTTP_PORT: String(port),
    PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic', rate: 2000 }]),
  };
  const nowhere = { DATABASE_URL: `postgres://nobody@127.0.0.1:${freePort()}/nowhere` };
  const first = await startMdp(directory, { ...env, ...nowhere });
  await until(seen, (yes) => yes);
  first.signal('SIGKILL');
  await first.exited;
  damage(join(directory, 'data/journal'), '.mdpj');
  return startMdp(directory, env);
};

/** Starts and ends a pipeline on one port, again and again, seen by Prometheus each time. */
export const restartOften = async (
  port: number,
  times: number,
  seen: (start: number) => Promise<boolean>,
): Promise<void> => {
  const environment: Environment = { PIPELINE_HTTP_PORT: String(port) };
  for (let time = 1; time <= times; time += 1) {
    await inDirectory(async (directory) => {
      const run = await startMdp(directory, environment);
      await until(
        () => seen(time),
        (yes) => yes,
      );
      await run.stop();
    });
  }
};
