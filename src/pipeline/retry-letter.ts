import type { Quote, Trade } from '../market/events.ts';
import type { Instruments } from '../market/instrument.ts';
import { integerOf } from '../market/integer.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Batch, DeadLetter, SinkWorker } from '../sinks/sink.ts';
import type { DecodeContext, Venue } from '../venues/venue.ts';
import { rowFromText } from './row-from-text.ts';

export type RetryParts = {
  readonly venueOf: (source: string) => Venue | undefined;
  /** One for all letters that a worker writes: it knows instruments by their number. */
  readonly instruments: Instruments;
};

/**
 * Tries a dead letter again: a frame is decoded anew, a row that the database refused is written
 * anew. Resolves with true when all of it is in the database now, and undefined where it cannot be
 * tried (refused by validation, or cut when it was kept). Trades of a frame count as late: no bar
 * has them.
 */
export const retryLetter = async (
  letter: DeadLetter,
  worker: SinkWorker,
  around: RetryParts,
  signal: AbortSignal,
): Promise<boolean | undefined> => {
  const batches = batchesOf(letter, around);
  if (batches === undefined) return undefined;
  for (const batch of batches) {
    const { dead } = await worker.commit(batch, signal);
    if (dead.length > 0) return false;
  }
  return batches.length > 0;
};

/** undefined: cannot be tried. None: still refused. */
const batchesOf = (
  letter: DeadLetter,
  { venueOf, instruments }: RetryParts,
): readonly Batch[] | undefined => {
  const text = new TextDecoder().decode(letter.payload);
  if (letter.stage === 'sink') return batchesOfRow(text, instruments);
  if (letter.stage === 'validate') return undefined;
  const venue = venueOf(letter.source);
  return venue === undefined ? undefined : batchesOfFrame(letter, text, venue, instruments);
};

/** The table's name stands before the row. */
const batchesOfRow = (text: string, instruments: Instruments): readonly Batch[] | undefined => {
  try {
    const row = rowFromText(text.slice(text.indexOf(' ') + 1), instruments);
    if (row.kind === 'trade') return [{ table: row.kind, rows: [row], bytes: 0 }];
    if (row.kind === 'quote') return [{ table: row.kind, rows: [row], bytes: 0 }];
    if (row.kind === 'bar') return [{ table: row.kind, rows: [row], bytes: 0 }];
    return [{ table: row.kind, rows: [row], bytes: 0 }];
  } catch (error) {
    // The letter stays, and is counted among those that cannot be tried.
    if (error instanceof MdpError && error.code === 'input') return undefined;
    throw error;
  }
};

const batchesOfFrame = (
  letter: DeadLetter,
  text: string,
  venue: Venue,
  instruments: Instruments,
): readonly Batch[] => {
  const trades: Trade[] = [];
  const quotes: Quote[] = [];
  let rows = 0n;
  let refused = 0;
  const context: DecodeContext = {
    receiveTime: letter.receiveTime,
    instrument: (symbol) => {
      const instrument = instruments.intern(venue.id, symbol);
      if (instrument !== undefined) return instrument;
      throw new MdpError('instrument_limit', 'more instruments than this process holds');
    },
    position: () => integerOf(letter.position + rows++),
  };
  const outcome = venue.decode(text, context, {
    trade: (trade) => trades.push({ ...trade, late: 'late' }),
    quote: (quote) => quotes.push(quote),
    reject: () => (refused += 1),
  });
  if (outcome !== 'data' || refused > 0) return [];
  const batches: readonly Batch[] = [
    { table: 'trade', rows: trades, bytes: 0 },
    { table: 'quote', rows: quotes, bytes: 0 },
  ];
  return batches.filter((batch) => batch.rows.length > 0);
};
