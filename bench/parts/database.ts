import { PrivateServer, execute } from '../../test/postgres/server.ts';

/** As a server is set up that is to keep what it is given. */
const settings = { fsync: 'on', shared_buffers: '256MB', max_wal_size: '4GB' };

/** Wide, and keyed by what a trade is known by: where the scripts we are measured against write. */
const plainTable = `
  create table plain_trade (
    exchange text not null,
    symbol text not null,
    trade_id bigint not null,
    ts timestamptz not null,
    price numeric not null,
    size numeric not null,
    side text not null,
    primary key (exchange, symbol, trade_id)
  )`;

/** The columns of a trade as `psql \copy` writes and reads them. */
const columns = 'instrument_id, ts, trade_id, receive_ts, price, size, side, late';

/** The private PostgreSQL of a benchmark. */
export class Database {
  readonly #server: PrivateServer;

  private constructor(server: PrivateServer) {
    this.#server = server;
  }

  static async start(): Promise<Database> {
    const database = new Database(await PrivateServer.start({ settings }));
    await database.run(plainTable);
    return database;
  }

  get url(): string {
    return this.#server.url();
  }

  run(text: string): Promise<readonly Record<string, unknown>[]> {
    return execute(this.url, text);
  }

  /** Empties a table and writes out what waits, so that nobody pays for what others did. */
  async empty(table: string): Promise<void> {
    await this.run(`truncate ${table}`);
    await this.run('checkpoint');
  }

  async requireRows(table: string, rows: number): Promise<void> {
    const [row] = await this.run(`select count(*)::int as n from ${table}`);
    if (row?.['n'] === rows) return;
    throw new Error(`${table} has ${String(row?.['n'])} rows instead of ${rows}`);
  }

  /** The trades as text, in the order in which they were committed. */
  async exportTrades(file: string): Promise<void> {
    await this.#psql(`\\copy (select ${columns} from mdp.trade) to '${file}'`);
  }

  /** Seconds that `psql \copy` takes, from its start to its end. */
  async copyTrades(file: string): Promise<number> {
    const began = performance.now();
    await this.#psql(`\\copy mdp.trade (${columns}) from '${file}'`);
    return (performance.now() - began) / 1000;
  }

  async close(): Promise<void> {
    await this.#server.remove();
  }

  async #psql(command: string): Promise<void> {
    const psql = Bun.which('psql');
    if (psql === null) throw new Error('the comparison needs psql on PATH');
    const args = [psql, '-qX', '-v', 'ON_ERROR_STOP=1', this.url, '-c', command];
    if ((await Bun.spawn(args).exited) !== 0) throw new Error(`psql failed: ${command}`);
  }
}
