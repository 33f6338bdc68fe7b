/** Cumulative counts of a Prometheus histogram by upper bound, in order. */
export type Buckets = readonly (readonly [bound: number, count: number])[];

/** Those of an unlabelled histogram in the text of /metrics. */
export const bucketsOf = (metrics: string, name: string): Buckets =>
  [...metrics.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm'))].map(
    ([, bound = '', count]) => [bound === '+Inf' ? Infinity : Number(bound), Number(count)],
  );

/**
 * The quantile of what was observed between two readings, linear within its bucket; the last finite
 * bound where it lies above all of them.
 */
export const quantileBetween = (before: Buckets, after: Buckets, share: number): number => {
  const counts = after.map(
    ([bound, count], at) => [bound, count - (before[at]?.[1] ?? 0)] as const,
  );
  const wanted = (counts.at(-1)?.[1] ?? 0) * share;
  let low = 0;
  let below = 0;
  for (const [bound, count] of counts) {
    if (count >= wanted && count > below) {
      return bound === Infinity ? low : low + ((bound - low) * (wanted - below)) / (count - below);
    }
    low = bound;
    below = count;
  }
  return Number.NaN;
};
