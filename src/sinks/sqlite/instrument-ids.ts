import type { Database, SQLQueryBindings, Statement } from 'bun:sqlite';
import type { Instrument } from '../../market/instrument.ts';
import { MdpError } from '../../runtime/errors.ts';

/**
 * Maps the ids that instruments have in this process to those they have in the file. Bounded by the
 * instruments of the process.
 */
export class InstrumentIds {
  readonly #insert: Statement<unknown, SQLQueryBindings[]>;
  readonly #select: Statement<unknown, SQLQueryBindings[]>;
  #known = new Map<number, number>();

  constructor(db: Database) {
    this.#insert = db.prepare(
      'insert into instrument (venue, symbol) values (?, ?) on conflict do nothing',
    );
    this.#select = db.prepare(
      'select instrument_id from instrument where venue = ? and symbol = ?',
    );
  }

  /** Looks the instrument up, adding it in the running transaction when it is new. */
  databaseId(instrument: Instrument): number {
    const known = this.#known.get(instrument.id);
    if (known !== undefined) return known;
    const id = this.#intern(instrument);
    this.#known.set(instrument.id, id);
    return id;
  }

  /** After a rollback: what was added in that transaction is not in the file. */
  forget(): void {
    this.#known = new Map();
  }

  close(): void {
    this.#insert.finalize();
    this.#select.finalize();
  }

  #intern({ venue, symbol }: Instrument): number {
    this.#insert.run(venue, symbol);
    const [[id] = []] = this.#select.values(venue, symbol);
    if (id === undefined) throw new MdpError('invariant', 'an instrument just added is not there');
    return Number(id);
  }
}
