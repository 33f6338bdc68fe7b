import * as v from 'valibot';
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

const letterSchema = v.object({
  instrument: v.object({ symbol: v.string() }),
  id: v.number(),
});

/** Trades that the database refused and that are kept as dead letters instead, as `BTCUSDT 17`. */
export const refusedTrades = (life: Life): ReadonlySet<string> => {
  const refused = new Set<string>();
  for (const { stage, payload } of life.database.tables.deadLetter.values()) {
    const text = new TextDecoder().decode(payload);
    if (stage !== 'sink' || !text.startsWith('trade ')) continue;
    const { instrument, id } = v.parse(letterSchema, JSON.parse(text.slice('trade '.length)));
    refused.add(`${instrument.symbol} ${id}`);
  }
  return refused;
};

/** Whether the simulated database refuses rows of this id. */
export const isRefused = (life: Life, id: number): boolean => {
  const { refusesOneIn } = life.scenario.database;
  return refusesOneIn > 0 && id % refusesOneIn === 0;
};

/**
 * Something was given up by policy: then not all that was given to the program is in the tables.
 */
export const hasDropped = ({ past }: Life): boolean => past.hasDropped;

/**
 * Every connection that was opened is still the one it was: none was lost, none renewed, and none
 * had to bring what another one had left off.
 */
export const keptConnections = ({ pipeline, scenario, past }: Life): boolean => {
  const report = pipeline.sources[0]?.report();
  if (report?.disconnects !== 0 || report.mutes > 0 || past.starts > 1) return false;
  return report.connects <= scenario.source.connections;
};

/** The venue's text without superfluous zeros. */
export const canonical = (text: string): string =>
  text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
