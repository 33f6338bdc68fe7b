import type { Life } from '../simulate.ts';
import { storedTrades } from './stored.ts';

/**
 * As if one connection had held all the time: nothing that the venue made is missing, no hole is
 * left, and every bar but the first and those still open at the end is complete.
 */
export const judgeUnbroken = (life: Life): readonly string[] => {
  const complaints: string[] = [];
  const stored = storedTrades(life);
  for (const symbol of life.venue.market.symbols) {
    const ids = stored.get(symbol) ?? new Map<number, unknown>();
    const heard = [...(life.witness.trades.get(symbol)?.keys() ?? [])];
    const first = life.witness.first(symbol) ?? 0;
    const last = heard.reduce((most, id) => Math.max(most, id), 0);
    const missing = life.venue.market
      .trades(symbol)
      .filter(({ id }) => id >= first && id <= last && !ids.has(id));
    if (missing.length > 0) complaints.push(`${missing.length} trades of ${symbol} are missing`);
  }
  const open = [...life.database.tables.gap.values()].filter((gap) => gap.filledAt === undefined);
  for (const { instrument, fromId, toId } of open) {
    complaints.push(`${instrument.symbol} ${fromId}-${toId} is told as a hole`);
  }
  const bars = Map.groupBy(
    life.database.tables.bar.values(),
    ({ instrument, timeframe }) => `${instrument.symbol} ${timeframe}s`,
  );
  for (const [name, series] of bars) {
    const opens = series.map(({ openTime }) => Number(openTime));
    const first = Math.min(...opens);
    const doubtful = series.filter(
      ({ complete, gap, openTime, revision }) =>
        openTime !== first && revision > 0 && (gap || !complete),
    );
    if (doubtful.length > 0) complaints.push(`${doubtful.length} bars ${name} are not complete`);
  }
  return complaints;
};
