/** Every venue, by its id. A new one is its own folder and one line here. */
import { binance } from './binance/binance.ts';
import { coinbase } from './coinbase/coinbase.ts';
import { kraken } from './kraken/kraken.ts';
import { synthetic } from './synthetic/synthetic.ts';
import type { Venue } from './venue.ts';

export const VENUES = { binance, coinbase, kraken, synthetic } as const satisfies Record<
  string,
  Venue
>;

const byId: ReadonlyMap<string, Venue> = new Map(Object.entries(VENUES));

export function venueOf(id: string): Venue | undefined {
  return byId.get(id);
}
