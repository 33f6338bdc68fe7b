/**
 * A private PostgreSQL server for tests: its own data directory and port on 127.0.0.1, no unix
 * socket, gone with the test process. It can be stopped, killed, frozen and restarted, which a
 * server that others use must not be.
 */
import { chownSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { freePort } from '../free-port.ts';
import { postgresBinaries } from './binaries.ts';
import { DataDirectory } from './directory.ts';

export type ServerOptions = {
  /** Lines of postgresql.conf, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the data directory is made; default: the system's temporary directory. */
  readonly parent?: string;
};

const startDeadlineMs = 30_000;

/** Fast, and still a server that only loses what a power cut would take. */
const testSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  max_connections: '40',
  shared_buffers: '64MB',
  log_min_messages: 'fatal',
  unix_socket_directories: '',
};

let template: DataDirectory | undefined;

export class PrivateServer {
  readonly port: number;
  readonly #directory: DataDirectory;
  readonly #settings: Readonly<Record<string, string>>;
  #process: Bun.Subprocess | undefined;

  private constructor(
    directory: DataDirectory,
    port: number,
    settings: Readonly<Record<string, string>>,
  ) {
    this.#directory = directory;
    this.port = port;
    this.#settings = { ...testSettings, ...settings };
  }

  /** Makes a data directory and starts on a free port; ready for connections when it resolves. */
  static async start(options: ServerOptions = {}): Promise<PrivateServer> {
    const directory = new DataDirectory('mdp-postgres-', options.parent);
    cpSync(dataTemplate(), directory.path, { recursive: true });
    giveAway(directory.path);
    const server = new PrivateServer(directory, freePort(), options.settings ?? {});
    await server.start();
    return server;
  }

  /**
   * A hot standby on a port of its own: a base backup of `primary`, which it follows by streaming
   * from then on. Ready for reading when it resolves.
   */
  static async standbyOf(primary: PrivateServer): Promise<PrivateServer> {
    const directory = new DataDirectory('mdp-standby-');
    giveAway(directory.path);
    const { hostname, port } = new URL(primary.url());
    const into = ['--pgdata', directory.path, '--write-recovery-conf', '--checkpoint', 'fast'];
    const from = ['--host', hostname, '--port', port, '--username', 'postgres'];
    const command = [join(postgresBinaries().dir, 'pg_basebackup'), ...into, ...from];
    const made = Bun.spawnSync(unprivileged(command), { cwd: '/', stdout: 'ignore' });
    if (made.exitCode !== 0) throw new Error(`pg_basebackup failed: ${made.stderr.toString()}`);
    const server = new PrivateServer(directory, freePort(), {});
    await server.start();
    return server;
  }

  /** Makes a primary of a standby; resolves when it may be written. */
  async promote(): Promise<void> {
    await execute(this.url(), 'select pg_promote()');
  }

  /** As the superuser `postgres`, who needs no password. */
  url(database = 'postgres'): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  get running(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  get dataDirectory(): string {
    return this.#directory.path;
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = { ...this.#settings, ...settings };
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#process = Bun.spawn(
      unprivileged([
        join(postgresBinaries().dir, 'postgres'),
        '-D',
        this.dataDirectory,
        '-p',
        String(this.port),
        '-c',
        'listen_addresses=127.0.0.1',
        ...flags,
      ]),
      { cwd: '/', stdout: 'ignore', stderr: 'ignore' },
    );
    await this.ready();
  }

  /** Resolves when a query is answered. */
  async ready(): Promise<void> {
    const until = Date.now() + startDeadlineMs;
    for (;;) {
      const answer = await probe(this.url());
      if (answer) return;
      if (this.#process?.exitCode !== null) throw new Error('the private server did not start');
      if (Date.now() > until) throw new Error('the private server is not ready in time');
      await Bun.sleep(20);
    }
  }

  /** Fast shutdown: cuts the sessions, keeps the data. */
  async stop(): Promise<void> {
    await this.#end('SIGINT');
  }

  /** Immediate shutdown, as after a crash: the next start recovers from the log. */
  async kill(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  async restart(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  /** Stops the postmaster and every backend with SIGSTOP: sockets stay open, nothing answers. */
  freeze(): void {
    this.#signalAll('SIGSTOP');
  }

  thaw(): void {
    this.#signalAll('SIGCONT');
  }

  /** From now on this role, alone, needs its password. */
  async requirePassword(role: string): Promise<void> {
    const file = join(this.dataDirectory, 'pg_hba.conf');
    const rules = readFileSync(file, 'utf8');
    writeFileSync(file, `host all ${role} 127.0.0.1/32 scram-sha-256\n${rules}`);
    await execute(this.url(), 'select pg_reload_conf()');
  }

  /** Whether every new statement of every session may only read, as on a standby. */
  async setReadOnly(readOnly: boolean): Promise<void> {
    await execute(
      `${this.url()}?default_transaction_read_only=off`,
      `alter system set default_transaction_read_only = ${readOnly ? 'on' : 'off'}`,
    );
    await execute(this.url(), 'select pg_reload_conf()');
    const wanted = readOnly ? 'on' : 'off';
    for (;;) {
      const [row] = await execute(this.url(), 'show default_transaction_read_only');
      if (row?.['default_transaction_read_only'] === wanted) return;
      await Bun.sleep(10);
    }
  }

  /** Stops the server and removes its data. */
  async remove(): Promise<void> {
    this.thaw();
    await this.#end('SIGQUIT');
    await this.#directory.remove();
  }

  async #end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    this.#process?.kill(signal);
    await this.#process?.exited;
  }

  #signalAll(signal: NodeJS.Signals): void {
    const parent = this.#process?.pid;
    if (parent === undefined || this.#process?.exitCode !== null) return;
    for (const pid of [parent, ...childrenOf(parent)]) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        // A backend may end between the listing and the signal: that is what the signal was for.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    }
  }
}

/** Runs one statement list on a connection of its own, as the superuser. */
export async function execute(
  url: string,
  text: string,
): Promise<readonly Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, fetch_types: false });
  try {
    const rows = await sql.unsafe(text);
    return [...rows];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function probe(url: string): Promise<boolean> {
  try {
    await execute(url, 'select 1');
    return true;
  } catch (error) {
    // Not listening yet, or still recovering: the caller asks again until its deadline.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** An initialised data directory, made once a process and copied for each server. */
function dataTemplate(): string {
  if (template !== undefined) return template.path;
  const directory = new DataDirectory('mdp-postgres-template-');
  giveAway(directory.path);
  const made = Bun.spawnSync(
    unprivileged([
      join(postgresBinaries().dir, 'initdb'),
      '-D',
      directory.path,
      '--username=postgres',
      '--encoding=UTF8',
      '--locale=C',
      '--auth=trust',
      '--no-sync',
    ]),
    { cwd: '/', stdout: 'ignore', stderr: 'pipe' },
  );
  if (made.exitCode !== 0) throw new Error(`initdb failed: ${made.stderr.toString()}`);
  template = directory;
  return directory.path;
}

/** PostgreSQL refuses to run as root: then everything is done under another user. */
function unprivileged(command: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...command];
  const { uid, gid } = serverUser();
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...command];
}

/** Makes a directory and what is in it the server's. */
export function giveAway(directory: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = serverUser();
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const entry of ['.', ...entries]) chownSync(join(directory, entry), uid, gid);
}

/** `postgres` where the package made it, else `nobody`. */
function serverUser(): { readonly uid: number; readonly gid: number } {
  const users = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '';
  const entry = /^postgres:[^:]*:(?<uid>\d+):(?<gid>\d+):/m.exec(users);
  return {
    uid: Number(entry?.groups?.['uid'] ?? 65534),
    gid: Number(entry?.groups?.['gid'] ?? 65534),
  };
}

function childrenOf(parent: number): readonly number[] {
  const listing = Bun.spawnSync(['ps', '-o', 'pid=', '--ppid', String(parent)]).stdout.toString();
  return listing.split('\n').filter(Boolean).map(Number);
}
