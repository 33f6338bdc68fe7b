import { ok, warn, fail, type Finding } from '../runtime/finding.ts';

const ABOUT = 'ledger';

/** What the ledger table says of trades, all writers together. */
export type LedgerTotals = {
  readonly writers: number;
  /** Every writer has stopped with nothing left, and said so last. */
  readonly drained: boolean;
  readonly committed: bigint;
  readonly alreadyThere: bigint;
};

/** The same in both databases. */
export const LEDGER_TOTALS = `
  count(distinct writer) as writers,
  coalesce(sum(items) filter (where kind = 'run' and outcome = 'drained'), 0) as drained,
  coalesce(sum(items) filter (where kind = 'trade' and outcome = 'committed'), 0) as committed,
  coalesce(sum(items) filter (where kind = 'trade' and outcome = 'already_there'), 0)
    as already_there`;

/** The one row that `LEDGER_TOTALS` selects. */
export const ledgerTotals = (row: Readonly<Record<string, unknown>> | null): LedgerTotals => {
  const count = (name: string): bigint => (row === null ? 0n : BigInt(String(row[name])));
  const writers = Number(count('writers'));
  return {
    writers,
    drained: count('drained') === BigInt(writers),
    committed: count('committed'),
    alreadyThere: count('already_there'),
  };
};

/**
 * Holds the ledger against the trades that are there, which lie between committed and committed +
 * already there: a commit whose answer was lost is counted as already there. Says why where that
 * cannot be told. `keepsAll`: no retention removes rows. `trades` counts them, and is asked only
 * where it helps.
 */
export const ledgerFinding = async (
  totals: LedgerTotals,
  keepsAll: boolean,
  trades: () => Promise<bigint>,
): Promise<Finding> => {
  const { writers, drained, committed, alreadyThere } = totals;
  if (writers === 0) return ok(ABOUT, 'no run has reached a checkpoint yet');
  if (writers > 1) {
    const why = 'what one counts as committed another may have replaced';
    return ok(ABOUT, `cannot be held against the trades: it has ${writers} writers; ${why}`);
  }
  if (!keepsAll) {
    return ok(ABOUT, 'cannot be held against the trades: database.retention removes old ones');
  }
  const stored = await trades();
  const counted = `${committed} committed, ${alreadyThere} were already there`;
  const told = `${stored} trades stored, ${counted}`;
  if (stored < committed) {
    const cure = 'rows were deleted by hand, or the database was restored from a backup';
    return fail(ABOUT, `${told}: ${committed - stored} are missing`, cure);
  }
  if (!drained) {
    const why = 'the writer runs or was killed, so that rows since its checkpoint are not in it';
    return ok(ABOUT, `${told}; ${why}`);
  }
  if (stored > committed + alreadyThere) {
    const more = stored - committed - alreadyThere;
    return warn(ABOUT, `${told}: ${more} came by another way`, 'did another program write them?');
  }
  return ok(ABOUT, `${told}: it balances`);
};
