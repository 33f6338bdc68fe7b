import type { Trade } from '../../../src/market/events.ts';
import { formatDecimal } from '../../../src/market/decimal.ts';
import type { Life } from '../simulate.ts';
import type { HeardTrade } from '../witness.ts';
import { isOwed, possible } from './fate.ts';
import { canonical, hasDropped, refusedTrades, storedTrades } from './stored.ts';

/** Every trade that was given to the program is stored once, as it was, and nothing else is. */
export const judgeTrades = (life: Life): string[] => {
  const complaints: string[] = [];
  const stored = storedTrades(life);
  const refused = refusedTrades(life);
  const dropped = hasDropped(life);
  let rows = 0;
  for (const symbol of life.venue.market.symbols) {
    const heard = life.witness.trades.get(symbol) ?? new Map<number, HeardTrade>();
    const found = stored.get(symbol) ?? new Map<number, Trade>();
    rows += found.size;
    for (const [id, trade] of found) {
      const given = heard.get(id);
      if (given === undefined) complaints.push(`${symbol} ${id} is stored, but was never received`);
      else complaints.push(...differences(life, trade, given, dropped));
    }
    if (dropped) continue;
    for (const [id, { copies }] of heard) {
      const isThere = found.has(id);
      if (isThere === refused.has(`${symbol} ${id}`) && (isThere || isOwed(copies))) {
        complaints.push(`trade ${symbol} ${id} is ${isThere ? 'stored and refused' : 'lost'}`);
      }
    }
  }
  const { size } = life.database.tables.trade;
  if (rows !== size) complaints.push(`${size - rows} trades are stored twice or are nobody's`);
  return complaints;
};

const differences = (life: Life, row: Trade, given: HeardTrade, dropped: boolean): string[] => {
  const { trade, copies } = given;
  const name = `trade ${trade.symbol} ${trade.id}`;
  const { eventTime, price, size, side } = row;
  const said = `${eventTime} ${formatDecimal(price)} ${formatDecimal(size)} ${side}`;
  const truth = `${trade.micros} ${canonical(trade.price)} ${canonical(trade.size)} ${trade.taker}`;
  const complaints = said === truth ? [] : [`${name} is ${said}, not ${truth}`];
  // The first copy may have been given up, and a later one stored.
  const times = (dropped ? copies : possible(copies)).map(({ receivedAt }) => receivedAt);
  if (!times.some((time) => time === row.receiveTime)) {
    complaints.push(`${name} came at ${times.join(', ')}, not at ${row.receiveTime}`);
  }
  const stale = life.witness.isStale(trade, row.receiveTime);
  if (stale !== (row.late === 'stale')) {
    complaints.push(`${name} is ${stale ? '' : 'not '}stale, and marked ${row.late}`);
  }
  return complaints;
};
