/** Figures with their samples: what a measure hands to the report. */
export type Figure = {
  /** Stable name: in the JSON, and where floors are looked up. */
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
  /** Of ratios: the best of ours to the best of theirs, whatever the rounds they were in. */
  readonly best?: number;
};

export type Unit = '×' | '/s' | 'µs' | 'ms' | 's' | 'MiB';

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/**
 * Round by round, what is ours to what it is measured against. What else the machine does only ever
 * makes a round worse, so the best of both tell more where rounds are few.
 */
export const ratioOf = (
  named: { readonly id: string; readonly title: string; readonly better: 'more' | 'less' },
  ours: readonly number[],
  theirs: readonly number[],
): Figure => {
  const { id, title, better } = named;
  const bestOf = (samples: readonly number[]): number =>
    better === 'more' ? Math.max(...samples) : Math.min(...samples);
  const samples = ours.map((sample, at) => sample / (theirs[at] ?? Number.NaN));
  return { id, title, unit: '×', samples, best: bestOf(ours) / bestOf(theirs) };
};

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
