import { SymbolTable } from './symbol-table.ts';

/**
 * A venue's symbol, in the venue's own spelling, with a dense id that lives as long as this
 * process.
 */
export type Instrument = { readonly id: number; readonly venue: string; readonly symbol: string };

/**
 * Far beyond all symbols of all venues together: what grows past it is damage or an attack, not a
 * market.
 */
export const maxInstruments = 100_000;

/** The instruments of this process. Ids are dense, from 0, in the order of the first mention. */
export class Instruments {
  readonly #byVenue = new Map<string, Map<string, Instrument>>();
  readonly #byBytes = new Map<string, SymbolTable>();
  readonly #byId: Instrument[] = [];

  get size(): number {
    return this.#byId.length;
  }

  /** The one Instrument of this venue and symbol; undefined for a new one past `maxInstruments`. */
  intern(venue: string, symbol: string): Instrument | undefined {
    const known = this.#byVenue.get(venue)?.get(symbol);
    if (known !== undefined || this.#byId.length >= maxInstruments) return known;
    const instrument: Instrument = { id: this.#byId.length, venue, symbol };
    this.#byId.push(instrument);
    const symbols = this.#byVenue.get(venue) ?? new Map<string, Instrument>();
    this.#byVenue.set(venue, symbols.set(symbol, instrument));
    this.symbols(venue).add(instrument);
    return instrument;
  }

  /** The venue's instruments by the bytes of their symbols: one table, which `intern` fills. */
  symbols(venue: string): SymbolTable {
    const table = this.#byBytes.get(venue) ?? new SymbolTable();
    this.#byBytes.set(venue, table);
    return table;
  }

  has(venue: string, symbol: string): boolean {
    return this.#byVenue.get(venue)?.has(symbol) === true;
  }

  get(id: number): Instrument | undefined {
    return this.#byId[id];
  }
}
