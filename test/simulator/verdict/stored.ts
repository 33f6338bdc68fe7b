import type { Trade } from '../../../src/market/events.ts';
import type { Life } from '../simulate.ts';

/** Stored trades by symbol and id; ids as numbers, which is what the simulated venue gives. */
export const storedTrades = (life: Life): ReadonlyMap<string, ReadonlyMap<number, Trade>> => {
  const symbols = new Map<string, Map<number, Trade>>();
  for (const trade of life.database.tables.trade.values()) {
    const { symbol } = trade.instrument;
    const trades = symbols.get(symbol) ?? new Map<number, Trade>();
    symbols.set(symbol, trades.set(Number(trade.id), trade));
  }
  return symbols;
};

/** Whether the simulated database refuses trades of this id, which are then dead letters. */
export const isRefused = (life: Life, id: number): boolean => {
  const { refusesOneIn } = life.scenario.database;
  return refusesOneIn > 0 && id % refusesOneIn === 0;
};

/**
 * Something was given up by policy: then not all that was given to the program is in the tables. The oversized frames of
 * the simulated venue hold nothing.
 */
export const hasDropped = ({ pipeline: { ledger } }: Life): boolean => {
  const frames = ledger.frames.dropped - (ledger.dropped.get('oversized') ?? 0);
  return frames > 0 || ledger.rows.trade.dropped > 0 || ledger.rows.quote.dropped > 0;
};

/** The venue's text without superfluous zeros. */
export const canonical = (text: string): string =>
  text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
