import { binance } from './binance.ts';
import { coinbase } from './coinbase.ts';
import { kraken } from './kraken.ts';

export const DIALECTS = { binance, coinbase, kraken } as const;

export type VenueId = keyof typeof DIALECTS;
