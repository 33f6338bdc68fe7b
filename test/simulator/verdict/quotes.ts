import type { Quote } from '../../../src/market/events.ts';
import { formatDecimal } from '../../../src/market/decimal.ts';
import { DIALECTS } from '../dialects/dialects.ts';
import type { Life } from '../simulate.ts';
import type { HeardQuote } from '../witness.ts';
import { isOwed, isShaky } from './fate.ts';
import { canonical, hasDropped, keptConnections, isRefused } from './stored.ts';

/**
 * An old id that comes so long after the last new one is taken for a new numbering: twice rather
 * than never.
 */
const RENUMBERED_AFTER_US = 10_000_000;

/** With update ids, every quote that was newer than all before it is stored, and none twice. */
export const judgeQuotes = (life: Life): string[] => {
  const rows = Map.groupBy(
    life.database.tables.quote.values(),
    ({ instrument }) => instrument.symbol,
  );
  const withIds = DIALECTS[life.scenario.venue.id].quotesHaveIds;
  return life.venue.market.symbols.flatMap((symbol) => {
    const stored = rows.get(symbol) ?? [];
    const heard = life.witness.quotes.get(symbol) ?? [];
    return [
      ...untrue(stored, heard),
      ...(withIds ? byId(life, symbol, stored, heard) : byContent(life, symbol, stored, heard)),
    ];
  });
};

/** Each row is one that was received, at that time. */
const untrue = (stored: readonly Quote[], heard: readonly HeardQuote[]): string[] => {
  const given = new Set(
    heard.map(({ quote, receivedAt }) =>
      [receivedAt, ...[quote.bid, quote.bidSize, quote.ask, quote.askSize].map(canonical)].join(
        ' ',
      ),
    ),
  );
  return stored
    .map((row) =>
      [row.receiveTime, ...[row.bid, row.bidSize, row.ask, row.askSize].map(text)].join(' '),
    )
    .filter((row) => !given.has(row))
    .map((row) => `the quote ${row} was never received`);
};

const text = (value: Quote['bid']): string => (value === undefined ? '-' : formatDecimal(value));

const byId = (
  life: Life,
  symbol: string,
  stored: readonly Quote[],
  heard: readonly HeardQuote[],
): string[] => {
  const ids = new Set(stored.map(({ id }) => Number(id)));
  const shaky = new Set(heard.filter((copy) => isShaky([copy])).map(({ quote }) => quote.id));
  const complaints: string[] = [];
  for (const [id, rows] of Map.groupBy(stored, (row) => row.id)) {
    if (shaky.has(Number(id))) continue;
    const [first, second] = rows.map(({ receiveTime }) => receiveTime).toSorted((a, b) => a - b);
    if (first === undefined || second === undefined) continue;
    if (second - first < RENUMBERED_AFTER_US)
      complaints.push(`quote ${symbol} ${id} is stored twice`);
  }
  if (hasDropped(life)) return complaints;
  let highest = 0;
  for (const copy of heard) {
    const { quote } = copy;
    if (quote.id <= highest) continue;
    // One that a death took says nothing of those behind it.
    if (copy.delivery.fate === 'lost') continue;
    highest = quote.id;
    if (isOwed([copy]) && !ids.has(quote.id) && !isRefused(life, quote.id)) {
      complaints.push(`quote ${symbol} ${quote.id} is lost`);
    }
  }
  return complaints;
};

/**
 * Without ids one connection at a time supplies the quotes: each is there, and only a venue's own
 * copies are twice.
 */
const byContent = (
  life: Life,
  symbol: string,
  stored: readonly Quote[],
  heard: readonly HeardQuote[],
): string[] => {
  if (hasDropped(life) || life.pipeline.ledger.rows.quote.deadLettered > 0) return [];
  const distinct = new Set(heard.map(({ quote }) => quote.id)).size;
  if (life.past.starts > 1) return dead(symbol, stored, heard);
  if (life.venue.mostOpen === 1 && stored.length !== heard.length) {
    return [`${heard.length} quotes of ${symbol} were received, ${stored.length} are stored`];
  }
  // A connection that takes over may lag behind the one before it, and bring some once more.
  if (!keptConnections(life)) return [];
  const most = life.scenario.venue.frames.twice > 0 ? heard.length : distinct;
  if (stored.length > most) {
    return [`${stored.length} quotes of ${symbol} are stored, the venue made ${distinct}`];
  }
  return [];
};

/** Where processes died: no fewer than the deaths left, and no more than there were. */
const dead = (symbol: string, stored: readonly Quote[], heard: readonly HeardQuote[]): string[] => {
  const taken = heard.filter(({ delivery }) => delivery.fate !== 'lost');
  return stored.length <= taken.length
    ? []
    : [`${taken.length} quotes of ${symbol} were taken in, ${stored.length} are stored`];
};
