import { quoteName, quoteText, type Storage } from './migrations.ts';
import type { Session } from './session.ts';

export type TimedTable = 'trade' | 'quote' | 'bar';
export const timedTables: readonly TimedTable[] = ['trade', 'quote', 'bar'];

/** A stretch of time in UTC, `[from, to)`, in integer milliseconds; `name` sorts as time does. */
type Stretch = { readonly name: string; readonly from: number; readonly to: number };

const dayMs = 86_400_000;

/** Longest wait for a lock that others hold; the batch is then held and tried again. */
const lockTimeout = '2s';

/**
 * Native range partitions, made when the first row for them comes: trades and quotes by day, bars
 * by month. Remembers what it has seen in this session. Does nothing where TimescaleDB keeps the
 * rows.
 */
export class Partitions {
  readonly #session: Session;
  readonly #schema: string;
  readonly #storage: Storage;
  #known = new Set<string>();

  constructor(session: Session, schema: string, storage: Storage) {
    this.#session = session;
    this.#schema = schema;
    this.#storage = storage;
  }

  /** Makes what is missing for rows at these times, in integer microseconds. */
  async ensure(table: TimedTable, times: Iterable<number>, signal: AbortSignal): Promise<void> {
    if (this.#storage !== 'native') return;
    for (const stretch of stretchesOf(table, times)) {
      if (this.#known.has(stretch.name)) continue;
      await this.#session.query(this.#makeStatement(table, stretch), [], signal);
      this.#known.add(stretch.name);
    }
  }

  /** After the server said that one is missing: retention may have dropped it. */
  forget(): void {
    this.#known = new Set();
  }

  /**
   * Detaches and drops every partition of ours that ends at or before `micros`. Returns their
   * names.
   */
  async drop(table: TimedTable, micros: number, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#storage !== 'native') return [];
    const limit = stretchOf(table, micros / 1_000).name;
    const parent = quoteText(`${quoteName(this.#schema)}.${table}`);
    const { rows } = await this.#session.query(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = ${parent}::regclass
         and c.relname ~ ${quoteText(`^${table}_[0-9]{6,8}$`)} and c.relname < ${quoteText(limit)}
       order by 1`,
      [],
      signal,
    );
    const names = rows.map((row) => String(row['name']));
    for (const name of names)
      await this.#session.query(this.#dropStatement(table, name), [], signal);
    return names;
  }

  /**
   * Made as a table of its own and then attached, which locks out neither readers nor writers of
   * the parent. Under an advisory lock, because two workers find the same one missing at the same
   * time.
   */
  #makeStatement(table: TimedTable, { name, from, to }: Stretch): string {
    const schema = quoteName(this.#schema);
    const partition = `${schema}.${name}`;
    const bounds = [from, to].map((ms) => quoteText(new Date(ms).toISOString())).join(') to (');
    return this.#locked(`
      if exists (select from pg_inherits where inhrelid = to_regclass(${quoteText(partition)})) then
        return;
      end if;
      create table if not exists ${partition}
        (like ${schema}.${table} including defaults including constraints including indexes);
      alter table ${schema}.${table} attach partition ${partition} for values from (${bounds});`);
  }

  #dropStatement(table: TimedTable, name: string): string {
    const schema = quoteName(this.#schema);
    return this.#locked(`
      alter table ${schema}.${table} detach partition ${schema}.${quoteName(name)};
      drop table ${schema}.${quoteName(name)};`);
  }

  #locked(body: string): string {
    const lock = quoteText(`mdp.partition.${this.#schema}`);
    return `do $mdp$ begin
      perform set_config('lock_timeout', '${lockTimeout}', true);
      perform pg_advisory_xact_lock(hashtextextended(${lock}, 0));${body}
    end $mdp$`;
  }
}

function stretchesOf(table: TimedTable, times: Iterable<number>): readonly Stretch[] {
  const found = new Map<number, Stretch>();
  let day = Number.NaN;
  for (const micros of times) {
    const next = Math.floor(micros / (dayMs * 1_000));
    if (next === day) continue;
    day = next;
    const stretch = stretchOf(table, day * dayMs);
    found.set(stretch.from, stretch);
  }
  return [...found.values()];
}

function stretchOf(table: TimedTable, ms: number): Stretch {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const day = table === 'bar' ? 1 : date.getUTCDate();
  const from = Date.UTC(year, month, day);
  const to = table === 'bar' ? Date.UTC(year, month + 1) : from + dayMs;
  const label = new Date(from).toISOString().slice(0, table === 'bar' ? 7 : 10);
  return { name: `${table}_${label.replaceAll('-', '')}`, from, to };
}
