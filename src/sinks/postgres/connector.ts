import type { Clock } from '../../runtime/clock.ts';
import { MdpError } from '../../runtime/errors.ts';
import type { Address, Host } from './address.ts';
import { quoteName } from './migrations.ts';
import { poolerError, Session, type Deadlines, type SessionTarget } from './session.ts';
import { driverSsl } from './tls.ts';

export type ConnectorOptions = {
  readonly address: Address;
  /** The content of the CA file, PEM. */
  readonly ca: string | undefined;
  readonly schema: string;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
};

/** How often two sessions are compared before a pooler counts as one in session mode. */
const poolerRounds = 5;

/**
 * Opens sessions, one host at a time: the host that last worked first, after a failure the next. A
 * session that it hands out can write, is set up as our statements expect, and has its backend to
 * itself.
 */
export class Connector {
  readonly #options: ConnectorOptions;
  #next = 0;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** Throws `MdpError`: `retry` false only for a pooler in transaction mode. */
  async open(signal: AbortSignal): Promise<Session> {
    return this.#openSession(signal, true);
  }

  /** As `open`, and a read-only server will do. */
  async openForReading(signal: AbortSignal): Promise<Session> {
    return this.#openSession(signal, false);
  }

  async #openSession(signal: AbortSignal, writable: boolean): Promise<Session> {
    const session = await this.#openAny(signal);
    try {
      if (writable) await this.#requireWritable(session, signal);
      if (session.behindPooler) await this.#requireSessionMode(session, signal);
      await session.query(this.#settings(), [], signal);
      return session;
    } catch (error) {
      session.destroy();
      this.#next += 1;
      throw error;
    }
  }

  async #openAny(signal: AbortSignal): Promise<Session> {
    const { address, clock, deadlines } = this.#options;
    const host = address.hosts[this.#next % address.hosts.length] ?? address.hosts[0];
    try {
      return await Session.open(this.#target(host), clock, deadlines, signal);
    } catch (error) {
      this.#next += 1;
      throw error;
    }
  }

  #target(host: Host): SessionTarget {
    const { address, ca } = this.#options;
    const { user, password, database } = address;
    // libpq's way too: nothing is encrypted on a unix socket.
    const sslmode = host.host.startsWith('/') ? 'disable' : (address.sslmode ?? 'prefer');
    const ssl = driverSsl(sslmode, ca, host.host);
    return { host, user, password, database, ssl };
  }

  /**
   * target_session_attrs=read-write, always: a standby, or a primary that was set read-only, is
   * passed over.
   */
  async #requireWritable(session: Session, signal: AbortSignal): Promise<void> {
    const { rows } = await session.query('show transaction_read_only', [], signal);
    if (rows[0]?.['transaction_read_only'] === 'off') return;
    throw new MdpError('database_refused', 'the server is read-only', {
      retry: true,
      hint: 'it is a standby or set read-only; name the primary in database.url',
      context: { sqlstate: '25006' },
    });
  }

  /**
   * In session mode two open sessions never share a backend. In transaction mode they do, or one of
   * them moves from backend to backend.
   */
  async #requireSessionMode(session: Session, signal: AbortSignal): Promise<void> {
    const other = await this.#openAny(signal);
    try {
      for (let round = 0; round < poolerRounds; round += 1) {
        const backends = await Promise.all([backendOf(session, signal), backendOf(other, signal)]);
        const own = backends[0] === session.pid && backends[1] === other.pid;
        if (!own || session.pid === other.pid) throw poolerError();
      }
    } finally {
      await other.close();
    }
  }

  /** Set behind the connect and not in it, because poolers refuse most parameters there. */
  #settings(): string {
    const { schema, deadlines } = this.#options;
    // The server gives up first, so that what we have given up does not go on holding locks.
    const statementMs = Math.ceil(deadlines.statementMs * 0.8);
    return [
      `set search_path = ${quoteName(schema)}, pg_temp`,
      'set synchronous_commit = on',
      "set timezone = 'UTC'",
      "set client_min_messages = 'warning'",
      `set statement_timeout = ${statementMs}`,
      `select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', false)
       from pg_extension where extname = 'timescaledb'`,
    ].join(';\n');
  }
}

async function backendOf(session: Session, signal: AbortSignal): Promise<unknown> {
  const { rows } = await session.query('select pg_catalog.pg_backend_pid() as pid', [], signal);
  return rows[0]?.['pid'];
}
