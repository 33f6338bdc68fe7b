import type { Bar } from '../market/bar.ts';
import { formatDecimal, type Decimal } from '../market/decimal.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Gap } from '../market/gap.ts';
import type { Integer } from '../market/integer.ts';
import type { DeadLetter } from '../sinks/sink.ts';

/**
 * A row as JSON text with every digit, for dead letters: decimals and integers beyond 2^53 as text.
 */
export const rowAsText = (row: Trade | Quote | Bar | Gap | DeadLetter): string =>
  JSON.stringify(row, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    if (isDecimal(value)) return formatDecimal(value);
    return value;
  });

const isDecimal = (value: unknown): value is Decimal =>
  typeof value === 'object' &&
  value !== null &&
  'units' in value &&
  'scale' in value &&
  isInteger(value.units) &&
  typeof value.scale === 'number';

const isInteger = (value: unknown): value is Integer =>
  typeof value === 'number' || typeof value === 'bigint';
