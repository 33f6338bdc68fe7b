import type { Integer } from './integer.ts';

/**
 * An exact decimal: `units / 10^scale`. Canonical: `scale >= 0`, and `units` ends in 0 only when `scale` is 0, so two
 * equal values have equal fields. Never a binary float.
 */
export type Decimal = { readonly units: Integer; readonly scale: number };
