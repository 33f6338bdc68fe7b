import type { Instrument } from '../../market/instrument.ts';
import { MdpError } from '../../runtime/errors.ts';
import type { InstrumentRow, PackedRows } from '../packed-rows.ts';
import { storable } from './binary-rows.ts';
import { textArray } from './array-literal.ts';
import { quoteName } from './migrations.ts';
import type { Session } from './session.ts';

type InstrumentColumn = Pick<PackedRows<InstrumentRow>, 'length' | 'instrument' | 'instrumentId'>;

/**
 * The ids that this process gave to instruments, mapped to the database's. Belongs to one session:
 * another may lead to another server.
 */
export class InstrumentIds {
  readonly #session: Session;
  readonly #table: string;
  readonly #ids: (number | undefined)[] = [];

  constructor(session: Session, schema: string) {
    this.#session = session;
    this.#table = `${quoteName(schema)}.instrument`;
  }

  /** Makes every one of `rows` known to `idOf`, and to the database. */
  async learn(rows: readonly InstrumentRow[], signal: AbortSignal): Promise<void> {
    const unknown = new Set<Instrument>();
    for (const { instrument } of rows) {
      if (this.#ids[instrument.id] === undefined) unknown.add(instrument);
    }
    await this.#learn(unknown, signal);
  }

  async learnPacked(rows: InstrumentColumn, signal: AbortSignal): Promise<void> {
    const unknown = new Set<Instrument>();
    for (let index = 0; index < rows.length; index += 1) {
      if (this.#ids[rows.instrumentId(index)] === undefined) unknown.add(rows.instrument(index));
    }
    await this.#learn(unknown, signal);
  }

  /** The database's id of the instrument that has the id `id` in this process. */
  of(id: number): number {
    const found = this.#ids[id];
    if (found === undefined) throw new MdpError('invariant', 'the instrument was never learned');
    return found;
  }

  idOf(instrument: Instrument): number {
    return this.of(instrument.id);
  }

  async #learn(unknown: ReadonlySet<Instrument>, signal: AbortSignal): Promise<void> {
    if (unknown.size === 0) return;
    const missing = await this.#read([...unknown], signal);
    if (missing.length === 0) return;
    await this.#insert(missing, signal);
    const lost = await this.#read(missing, signal);
    if (lost.length > 0) {
      const message = 'instruments just added are not there; does another program remove them?';
      throw new MdpError('database_refused', message, { retry: true });
    }
  }

  /** Returns those that the database does not have. */
  async #read(wanted: readonly Instrument[], signal: AbortSignal): Promise<readonly Instrument[]> {
    const { rows } = await this.#session.query(
      `select t.n::int as n, i.instrument_id
       from unnest($1::text[], $2::text[]) with ordinality as t(venue, symbol, n)
       join ${this.#table} i using (venue, symbol)`,
      namesOf(wanted),
      signal,
    );
    const found = new Map(rows.map((row) => [Number(row['n']), Number(row['instrument_id'])]));
    for (const [index, instrument] of wanted.entries()) {
      this.#ids[instrument.id] = found.get(index + 1);
    }
    return wanted.filter(({ id }) => this.#ids[id] === undefined);
  }

  /**
   * In one order everywhere, so that two workers which add the same ones cannot lock each other
   * out.
   */
  async #insert(missing: readonly Instrument[], signal: AbortSignal): Promise<void> {
    await this.#session.query(
      `insert into ${this.#table} (venue, symbol)
       select distinct venue, symbol from unnest($1::text[], $2::text[]) as t(venue, symbol)
       order by 1, 2
       on conflict do nothing`,
      namesOf(missing),
      signal,
    );
  }
}

function namesOf(instruments: readonly Instrument[]): readonly string[] {
  return [
    textArray(instruments.map(({ venue }) => storable(venue))),
    textArray(instruments.map(({ symbol }) => storable(symbol))),
  ];
}
