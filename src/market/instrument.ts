/** A venue's symbol, in the venue's own spelling, with a dense id that lives as long as this process. */
export type Instrument = { readonly id: number; readonly venue: string; readonly symbol: string };
