/**
 * One connection to PostgreSQL: a driver instance with a single socket that is never replaced. It
 * promises that every statement settles within its deadline, and that after a failure which is not
 * a plain SQL error nothing is sent on it any more: whoever uses it opens the next one. Autocommit
 * single statements only; no transactions, no pool.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import postgres from 'postgres';
import type { Clock } from '../../runtime/clock.ts';
import { MdpError } from '../../runtime/errors.ts';
import type { Host } from './address.ts';
import { endsSession, failureOf } from './failure.ts';
import type { DriverSsl } from './tls.ts';

export type SessionTarget = {
  readonly host: Host;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: DriverSsl;
};

/** Milliseconds until a connect, or a statement, counts as lost and the session with it. */
export type Deadlines = { readonly connectMs: number; readonly statementMs: number };

export type Row = Readonly<Record<string, unknown>>;
export type Rows = { readonly rows: readonly Row[]; readonly count: number };

const sentinel = 'select pg_catalog.pg_backend_pid() as pid';

export class Session {
  readonly #sql: postgres.Sql;
  readonly #socket: SingleSocket;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  #over = false;
  #pid = 0;
  #announced = 0;

  private constructor(target: SessionTarget, clock: Clock, deadlines: Deadlines) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#socket = new SingleSocket(target.host);
    this.#sql = postgres(driverOptions(target, this.#socket));
  }

  /** Connects, and names the backend that answers. Throws `MdpError` with `retry`. */
  static async open(
    target: SessionTarget,
    clock: Clock,
    deadlines: Deadlines,
    signal: AbortSignal,
  ): Promise<Session> {
    const session = new Session(target, clock, deadlines);
    try {
      const query = session.#sql.unsafe(sentinel);
      const rows = await session.#guarded(query, deadlines.connectMs, signal);
      session.#pid = Number(rows[0]?.['pid']);
      session.#announced = rows.state.pid;
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** The server process behind us. */
  get pid(): number {
    return this.#pid;
  }

  /**
   * Whether whoever greeted us is not who answers: then something stands between us and the server.
   */
  get behindPooler(): boolean {
    return this.#announced !== this.#pid;
  }

  /** Nothing can be sent any more: given up by us, or the server has hung up. */
  get over(): boolean {
    return this.#over || this.#socket.closed;
  }

  /**
   * One statement. Without parameters the text may hold several, which are one transaction.
   * Parameters are text that the statement casts; the text must come from a small closed set, as
   * the server keeps each prepared.
   */
  async query(
    text: string,
    parameters: readonly string[],
    signal: AbortSignal,
    deadlineMs = this.#deadlines.statementMs,
  ): Promise<Rows> {
    const prepare = parameters.length > 0;
    const query = this.#sql.unsafe(text, [...parameters], { prepare });
    const rows = await this.#guarded(query, deadlineMs, signal);
    return { rows, count: rows.count };
  }

  /**
   * A statement's rows, `chunk` at a time; the next chunk is asked for when the last has been
   * taken.
   */
  async *chunks(
    text: string,
    parameters: readonly string[],
    chunk: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Row[]> {
    const query = this.#sql.unsafe(text, [...parameters]).cursor(chunk);
    const cursor: AsyncIterator<readonly Row[]> = query[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = this.#guarded(cursor.next(), this.#deadlines.statementMs, signal);
        const result = await next;
        if (result.done === true) return;
        yield result.value;
      }
    } finally {
      await cursor.return?.();
    }
  }

  /**
   * `copy … from stdin` with `payload`, all of it or nothing. Resolves when the server has
   * committed it. `payload` may be used again afterwards.
   */
  async copy(text: string, payload: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#guarded(this.#copy(text, payload), this.#deadlines.statementMs, signal);
  }

  /** Sends nothing further, fails what is under way, and cuts the socket. */
  destroy(): void {
    this.#over = true;
    // Rejects what waits in the driver. Whether its goodbye works is of no account: the socket is
    // cut.
    this.#sql.end({ timeout: 0 }).catch(() => {});
    this.#socket.cut();
  }

  /** Says goodbye to the server, or cuts after a second. */
  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#sql.end({ timeout: 1 });
    this.#socket.cut();
  }

  /**
   * The driver (3.4.9, porsager/postgres#1173) never settles the stream of a COPY that the server
   * refuses after its end. So a sentinel query follows the end on the same connection: the server
   * answers in order, and when the sentinel's row arrives, the COPY has either been completed or
   * never will be.
   */
  async #copy(text: string, payload: Uint8Array): Promise<void> {
    const query = this.#sql.unsafe(text);
    const refusal = watchRefusal(query);
    const stream = await query.writable();
    await new Promise<void>((resolve, reject) => {
      let completed = false;
      const decide = (pid: unknown): void => {
        if (pid !== this.#pid) reject(poolerError());
        else if (completed) resolve();
        else reject(refusal.error);
      };
      stream.on('error', reject);
      afterFinal(
        stream,
        () => {
          completed = true;
        },
        () => {
          this.#sql
            .unsafe(sentinel)
            .forEach((row) => decide(row['pid']))
            .catch(reject);
        },
      );
      stream.end(payload);
    });
  }

  /**
   * Bounds `work` by a deadline and the signal, and ends the session with any failure that is not a
   * plain SQL error.
   */
  #guarded<T>(work: PromiseLike<T>, deadlineMs: number, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        timer.cancel();
        signal.removeEventListener('abort', abort);
        finish();
      };
      const fail = (error: unknown): void =>
        settle(() => {
          if (endsSession(error)) this.destroy();
          reject(failureOf(error));
        });
      const abort = (): void => fail(new MdpError('aborted', 'stopped', { retry: true }));
      const timer = this.#clock.after(deadlineMs, () => fail(deadlineError(deadlineMs)));
      signal.addEventListener('abort', abort, { once: true });
      work.then((value) => settle(() => resolve(value)), fail);
      if (signal.aborted) abort();
      else if (this.#over) fail(new MdpError('database_away', 'session is over', { retry: true }));
    });
  }
}

/**
 * The driver connects again by itself, for ever where a server hangs up on it: here it gets one
 * socket, once.
 */
class SingleSocket {
  readonly #host: Host;
  #socket: Socket | undefined;
  #used = false;

  constructor(host: Host) {
    this.#host = host;
  }

  async open(): Promise<Socket> {
    if (this.#used) throw new MdpError('database_away', 'the session is over', { retry: true });
    this.#used = true;
    const { host, port } = this.#host;
    this.#socket = host.startsWith('/')
      ? connect({ path: `${host}/.s.PGSQL.${port}` })
      : connect({ host, port, noDelay: true });
    await once(this.#socket, 'connect');
    return this.#socket;
  }

  get closed(): boolean {
    return this.#socket?.destroyed === true;
  }

  cut(): void {
    this.#used = true;
    this.#socket?.destroy();
  }
}

/** Everything the driver would otherwise take from the environment or its defaults. */
function driverOptions(target: SessionTarget, socket: SingleSocket): DriverOptions {
  return {
    host: target.host.host,
    port: target.host.port,
    user: target.user,
    ...(target.password === undefined ? {} : { pass: target.password }),
    database: target.database,
    ssl: target.ssl,
    max: 1,
    prepare: true,
    debug: false,
    fetch_types: false,
    idle_timeout: 0,
    max_lifetime: 0,
    connect_timeout: 0,
    keep_alive: 10,
    onnotice: () => {},
    connection: { application_name: 'mdp' },
    socket: () => socket.open(),
  };
}

/** `socket` is a documented option that the driver's types forgot. */
type DriverOptions = postgres.Options<Record<string, never>> & {
  readonly socket: () => Promise<Socket>;
};

/**
 * Notes the server's answer to a refused COPY. The driver rejects the query with it, which no one
 * sees any more, because the query has already resolved to its stream.
 */
function watchRefusal(query: object): { error: Error } {
  const refusal = { error: new Error('a COPY ended without an answer') };
  const reject: unknown = Reflect.get(query, 'reject');
  if (typeof reject !== 'function') {
    throw new MdpError('invariant', 'the driver has changed: a query has no reject');
  }
  Reflect.set(query, 'reject', (error: Error) => {
    refusal.error = error;
    Reflect.apply(reject, query, [error]);
  });
  return refusal;
}

/**
 * Calls `completed` when the driver's final step is answered, and `sent` as soon as it has been
 * sent.
 */
function afterFinal(stream: Writable, completed: () => void, sent: () => void): void {
  const final = stream._final.bind(stream);
  stream._final = (callback) => {
    final((error) => {
      completed();
      callback(error);
    });
    sent();
  };
}

export function poolerError(): MdpError {
  return new MdpError('database_refused', 'database.url leads to a pooler in transaction mode', {
    retry: false,
    hint: 'connect to PostgreSQL directly, or set pool_mode = session for this database',
  });
}

function deadlineError(deadlineMs: number): MdpError {
  return new MdpError('deadline', `PostgreSQL did not answer within ${deadlineMs} ms`, {
    retry: true,
    context: { deadlineMs },
  });
}
