/**
 * What must not be missed. `full`: what the project asks for, with everything on and the machine
 * quiet. `quick`: a guard of what has been reached. CPU ratios hold within a seventh on a busy
 * machine, and their bounds lie a quarter above what they were: a loss of a third is beyond them,
 * noise is not. The others, a third below, catch what is lost by waiting. Only ratios have a quick
 * floor, since absolutes are the machine's. Raised with every gain.
 */
export type Floor = {
  readonly better: 'more' | 'less';
  readonly full?: number;
  readonly quick?: number;
  readonly aim?: number;
};

export const floors: Readonly<Record<string, Floor>> = {
  a: { better: 'more', full: 0.45, quick: 0.6, aim: 0.7 },
  b: { better: 'more', full: 0.6, quick: 0.6, aim: 0.9 },
  'b-cpu': { better: 'less', quick: 1.36 },
  d: { better: 'more', full: 2, quick: 1.65, aim: 3 },
  'd-cpu': { better: 'less', full: 0.6, quick: 0.53, aim: 0.4 },
  'c-journal': { better: 'less', full: 1.12, aim: 1.06 },
  'c-journal-rate': { better: 'more', full: 0.9 },
  'c-metrics': { better: 'less', full: 1.03, aim: 1.01 },
  // Of each trade, as a client sees it; the histogram counts each batch with its oldest.
  'seen-p50': { better: 'less', full: 80, aim: 40 },
  'seen-p99': { better: 'less', full: 150, aim: 80 },
  'latency-p50': { better: 'less', full: 80, aim: 40 },
  'latency-p99': { better: 'less', full: 150, aim: 80 },
  'peak-memory-flood': { better: 'less', full: 220, aim: 150 },
  'peak-memory-steady': { better: 'less', full: 130, aim: 90 },
  'e-instruments': { better: 'more', full: 0.75, aim: 0.9 },
  'defaults-batches': { better: 'more', full: 0.9 },
  'defaults-queues': { better: 'more', full: 0.9 },
  'defaults-workers': { better: 'more', full: 0.9 },
  'defaults-journal': { better: 'more', full: 0.9 },
  startup: { better: 'less', full: 0.5, aim: 0.2 },
};
