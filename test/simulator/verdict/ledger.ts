import { ROW_KINDS } from '../../../src/pipeline/ledger.ts';
import { takesAll } from '../history.ts';
import type { Life } from '../simulate.ts';
import { isShaky } from './fate.ts';

/** The drain ended with nothing left, and the counters agree with the tables. */
export const judgeLedger = (life: Life): string[] => {
  const { pipeline, outcome, database, scenario, past } = life;
  const { ledger, memory } = pipeline;
  if (outcome === undefined) return ['the drain did not end'];
  const complaints: string[] = [];
  const { frames, rows } = outcome;
  if (frames + rows > 0) complaints.push(`${frames} frames and ${rows} rows were left behind`);
  if (memory.total !== 0) complaints.push(`${memory.total} bytes still count as waiting`);
  complaints.push(...miscounted(life), ...untold(life));
  // Where every write is taken, in order, only the power leaves holes in what was written.
  const { lost } = ledger.frames;
  if (lost > 0 && takesAll(scenario) && life.faults.of('power_lost') === 0) {
    complaints.push(`${lost} frames count as lost, and the power never was`);
  }
  const sizes = {
    trade: database.tables.trade.size,
    quote: database.tables.quote.size,
    dead_letter: database.tables.deadLetter.size,
  };
  for (const kind of ['trade', 'quote', 'dead_letter'] as const) {
    const { committed, alreadyThere, dropped } = ledger.rows[kind];
    const forgotten = kind === 'trade' ? orphansOf(life) + mostGivenUp(life) : Infinity;
    // What one process had committed and not settled, the next may have dropped.
    const most = committed + alreadyThere + (past.starts > 1 ? forgotten + dropped : 0);
    if (sizes[kind] < committed || sizes[kind] > most) {
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

/** Every frame that was given is received; of those that a death took, nobody knows. */
const miscounted = ({ pipeline, witness, past }: Life): readonly string[] => {
  const { received } = pipeline.ledger.frames;
  const kept = past.deliveries.flat().filter(({ fate }) => fate === 'kept').length;
  const least = past.starts === 1 ? witness.frames : kept;
  if (received >= least && received <= witness.frames) return [];
  return [`${witness.frames} frames were given, ${kept} kept, ${received} received`];
};

/** Stored trades of which the program may know no more. */
const orphansOf = ({ witness }: Life): number =>
  [...witness.trades.values()].reduce(
    (sum, heard) => sum + [...heard.values()].filter(({ copies }) => isShaky(copies)).length,
    0,
  );

/**
 * Trades that one process had committed and not settled, and whose frames the journal of a later
 * one gave up unread: there they are frames dropped, and no rows. No more than as many of the
 * fullest frames hold.
 */
const mostGivenUp = ({ pipeline, past }: Life): number => {
  const earlier = past.deliveries.slice(0, -1).flat();
  const kept = earlier.filter(({ fate }) => fate === 'kept').map((one) => one.parcel.trades.length);
  const fullest = kept.toSorted((one, other) => other - one);
  const frames = pipeline.ledger.dropped.get('queue_oldest') ?? 0;
  return fullest.slice(0, frames).reduce((sum, trades) => sum + trades, 0);
};

/** The newest ledger in the database is the one at the end, and says that all was drained. */
const untold = ({ pipeline, database }: Life): readonly string[] => {
  const [newest] = [...database.ledgers.values()].toSorted((a, b) => b.at - a.at);
  const told = new Map(
    newest?.items.map(({ kind, outcome, items }) => [`${kind} ${outcome}`, items]),
  );
  const { committed } = pipeline.ledger.rows.trade;
  const isTold = told.get('run drained') === 1 && told.get('trade committed') === committed;
  return isTold ? [] : ['the ledger in the database is not the one at the end'];
};
