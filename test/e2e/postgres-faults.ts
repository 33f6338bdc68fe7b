/**
 * What befalls a PostgreSQL server, or one database of it, while the executable writes to it. Every
 * fault proves by itself, or by the SQLSTATE that health must tell, that it has fired.
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'bun:test';
import { waitFor } from '../postgres/committing.ts';
import { execute, type PrivateServer } from '../postgres/server.ts';
import { SmallDisk } from '../postgres/small-disk.ts';

/** How long a fault lasts that lasts. */
const OUTAGE_MS = Number(process.env['OUTAGE_MS'] ?? 4000);
const quiet = { stdout: 'ignore', stderr: 'ignore' } as const;

/** Mounted by faults; whoever removes the server removes them behind it. */
export const disks: SmallDisk[] = [];

export type Fault = {
  readonly name: string;
  /**
   * Breaks the server, or the database behind `url`, for a while; resolves when it is whole again.
   */
  readonly strike: (server: PrivateServer, url: string) => Promise<void>;
  /** Whether health must have told of it. */
  readonly felt: boolean;
  /** The SQLSTATE that health must have named. */
  readonly sqlstate?: string;
};

const killBackends = async (server: PrivateServer): Promise<void> => {
  const sql = `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'mdp'`;
  let killed = 0;
  for (let round = 0; round < 20; round += 1) {
    killed += (await execute(server.url(), sql)).length;
    await Bun.sleep(100);
  }
  expect(killed).toBeGreaterThanOrEqual(20);
};

const away = async (begin: () => Promise<void>, end: () => Promise<void>): Promise<void> => {
  await begin();
  await Bun.sleep(OUTAGE_MS);
  await end();
};

const awayBy = (url: string, begin: string, end: string): Promise<void> =>
  away(
    async () => void (await execute(url, begin)),
    async () => void (await execute(url, end)),
  );

const lockTable = async (_server: PrivateServer, url: string): Promise<void> => {
  const locked = execute(
    url,
    `begin; lock table mdp.trade in access exclusive mode;
     select pg_sleep(${OUTAGE_MS / 1_000}); commit`,
  );
  await waitFor(
    url,
    `select from pg_stat_activity where application_name = 'mdp' and wait_event_type = 'Lock'`,
  );
  await locked;
};

const exhaustConnections = (_server: PrivateServer, url: string): Promise<void> =>
  // The role's own limit says 53300 as the server's does, and leaves the test a way in.
  awayBy(
    url,
    `alter role writer connection limit 0;
     select pg_terminate_backend(pid) from pg_stat_activity where usename = 'writer'`,
    'alter role writer connection limit -1',
  );

const tradePartitions = async (url: string): Promise<readonly string[]> => {
  const rows = await execute(
    url,
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'mdp.trade'::regclass`,
  );
  return rows.map(({ name }) => String(name));
};

/** The partitions move to a disk of their own, on which a file then leaves no room. */
const fillDisk = async (_server: PrivateServer, url: string): Promise<void> => {
  const small = SmallDisk.mount('64m');
  disks.push(small);
  await execute(url, `create tablespace small location '${small.path}'`);
  for (const name of await tradePartitions(url)) {
    await execute(url, `alter table ${name} set tablespace small`);
  }
  const filler = join(small.path, 'filler');
  await away(
    async () =>
      void (await Bun.spawn(['dd', 'if=/dev/zero', `of=${filler}`, 'bs=64k'], quiet).exited),
    () => unlink(filler),
  );
};

/** The program attaches what it misses by itself. */
const detachPartitions = async (_server: PrivateServer, url: string): Promise<void> => {
  const today = `trade_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`;
  await execute(url, `alter table mdp.trade detach partition mdp.${today}`);
  await waitFor(url, `select from pg_inherits where inhrelid = 'mdp.${today}'::regclass`);
};

/** Locks the partitions, then the table that the program holds on its way to them. */
const deadlock = async (_server: PrivateServer, url: string): Promise<void> => {
  const victims =
    'select from pg_stat_database where datname = current_database() and deadlocks > 0';
  const partitions = (await tradePartitions(url)).join(', ');
  while ((await execute(url, victims)).length === 0) {
    await execute(
      url,
      `set deadlock_timeout = '10s'; begin;
       lock table only ${partitions} in access exclusive mode; select pg_sleep(0.2);
       lock table only mdp.trade in access exclusive mode; commit`,
    );
  }
};

export const faults: readonly Fault[] = [
  { name: 'twenty rounds of killed backends', strike: killBackends, felt: false },
  {
    name: 'a server that is stopped',
    strike: (server) =>
      away(
        () => server.stop(),
        () => server.start(),
      ),
    felt: true,
  },
  {
    name: 'a server that crashes',
    strike: (server) =>
      away(
        () => server.kill(),
        () => server.start(),
      ),
    felt: true,
  },
  {
    name: 'a server that has become read-only',
    strike: (server) =>
      away(
        () => server.setReadOnly(true),
        () => server.setReadOnly(false),
      ),
    felt: true,
  },
  {
    name: 'a server that is frozen and thaws',
    strike: (server) =>
      away(
        () => Promise.resolve(server.freeze()),
        () => Promise.resolve(server.thaw()),
      ),
    felt: false,
  },
  {
    name: 'a missing table',
    strike: (_server, url) =>
      awayBy(
        url,
        'alter table mdp.trade rename to elsewhere',
        'alter table mdp.elsewhere rename to trade',
      ),
    felt: true,
    sqlstate: '42P01',
  },
  {
    name: 'a revoked grant',
    strike: (_server, url) =>
      awayBy(url, 'revoke insert on mdp.trade from writer', 'grant insert on mdp.trade to writer'),
    felt: true,
    sqlstate: '42501',
  },
  {
    name: 'a server without a free connection',
    strike: exhaustConnections,
    felt: true,
    sqlstate: '53300',
  },
  { name: 'a full disk', strike: fillDisk, felt: true, sqlstate: '53100' },
  { name: 'a locked table', strike: lockTable, felt: false },
  { name: 'a missing partition', strike: detachPartitions, felt: false },
  { name: 'a deadlock with another writer', strike: deadlock, felt: false },
];
