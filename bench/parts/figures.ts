/** Figures with their samples: what a measure hands to the report. */
export type Figure = {
  /** Stable name: in the JSON, and where floors are looked up. */
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
};

export type Unit = '×' | '/s' | 'µs' | 'ms' | 's' | 'MiB';

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

export const spreadOf = (samples: readonly number[]): Spread => {
  const sorted = samples.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  const lower = sorted.length % 2 === 0 ? (sorted[half - 1] ?? Number.NaN) : upper;
  const [min = Number.NaN] = sorted;
  return { median: (lower + upper) / 2, min, max: sorted.at(-1) ?? Number.NaN };
};

/** The value below which `share` of the samples are. */
export const quantile = (samples: readonly number[], share: number): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};
