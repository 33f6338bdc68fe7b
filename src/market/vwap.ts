import { divideHalfEven, signOf, type Decimal } from './decimal.ts';

const extraDigits = 8;
const maxScale = 18;

/**
 * Volume-weighted average price: `quoteVolume / volume`, rounded half-even to `priceScale + 8`
 * decimals, at most 18. `priceScale` is the finest scale among the prices of the bar. Undefined at
 * volume 0.
 */
export function vwap(
  quoteVolume: Decimal,
  volume: Decimal,
  priceScale: number,
): Decimal | undefined {
  if (signOf(volume) === 0) return undefined;
  return divideHalfEven(quoteVolume, volume, Math.min(priceScale + extraDigits, maxScale));
}
