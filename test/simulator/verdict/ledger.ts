import { ROW_KINDS } from '../../../src/pipeline/ledger.ts';
import type { Life } from '../simulate.ts';

/** The drain ended with nothing left, and the counters agree with the tables. */
export const judgeLedger = (life: Life): string[] => {
  const { pipeline, outcome, witness, database, scenario } = life;
  const { ledger, memory } = pipeline;
  if (outcome === undefined) return ['the drain did not end'];
  const complaints: string[] = [];
  const { frames, rows } = outcome;
  if (frames + rows > 0) complaints.push(`${frames} frames and ${rows} rows were left behind`);
  if (memory.total !== 0) complaints.push(`${memory.total} bytes still count as waiting`);
  if (ledger.frames.received !== witness.frames) {
    complaints.push(`${witness.frames} frames were given, ${ledger.frames.received} received`);
  }
  const sizes = {
    trade: database.tables.trade.size,
    quote: database.tables.quote.size,
    dead_letter: database.tables.deadLetter.size,
  };
  for (const kind of ['trade', 'quote', 'dead_letter'] as const) {
    const { committed, alreadyThere } = ledger.rows[kind];
    if (sizes[kind] < committed || sizes[kind] > committed + alreadyThere) {
      complaints.push(
        `${sizes[kind]} ${kind} rows are stored; ${committed} committed, ${alreadyThere} there`,
      );
    }
  }
  for (const kind of ROW_KINDS) {
    const { deadLettered, dropped } = ledger.rows[kind];
    const refuses = scenario.database.refusesOneIn > 0 && (kind === 'trade' || kind === 'quote');
    if (deadLettered > 0 && !refuses) complaints.push(`${deadLettered} ${kind} rows were refused`);
    const isKept = kind !== 'trade' && kind !== 'quote';
    if (dropped > 0 && (isKept || scenario.sink.backpressurePolicy === 'block')) {
      complaints.push(`${dropped} ${kind} rows were dropped against the policy`);
    }
  }
  return complaints;
};
