import type { SQLQueryBindings } from 'bun:sqlite';
import { columns, type Query, type View } from '../reader.ts';

export type Select = { readonly sql: string; readonly values: readonly SQLQueryBindings[] };

/** How a view's rows come from the tables: raw, so that a range of times is a range of the key. */
type Source = {
  readonly table: string;
  /** Columns that are not a column of the table by the same name. */
  readonly expressions: Readonly<Record<string, string>>;
  /** What `from` is held against (at least) and `to` (below). */
  readonly reachesTo: string;
  readonly startsAt: string;
  /** Behind the time: what orders rows of the same time. */
  readonly order: readonly [time: string, tie: string];
};

const names = { venue: 'i.venue', symbol: 'i.symbol' };

const sources: Readonly<Record<View, Source>> = {
  trades: {
    table: 'trade',
    expressions: {
      ...names,
      side: "case r.side when 1 then 'buy' when 0 then 'sell' end",
      late: 'r.late <> 0',
    },
    reachesTo: 'r.ts',
    startsAt: 'r.ts',
    order: ['ts', 'trade_id'],
  },
  quotes: {
    table: 'quote',
    expressions: names,
    reachesTo: 'r.ts',
    startsAt: 'r.ts',
    order: ['ts', 'quote_id'],
  },
  bars: {
    table: 'bar_today',
    expressions: {
      ...names,
      complete: 'r.complete and not r.unfilled_gap',
      gap: 'r.gap or r.unfilled_gap',
    },
    reachesTo: 'r.ts',
    startsAt: 'r.ts',
    order: ['ts', 'timeframe'],
  },
  gaps: {
    table: 'gap',
    expressions: names,
    reachesTo: 'r.to_ts',
    startsAt: 'r.from_ts',
    order: ['from_ts', 'from_id'],
  },
};

/**
 * A view's columns, in order and raw: times and timeframes are integers. `instrumentIds` are the
 * file's ids of the query's symbol.
 */
export function selectOf(query: Query, instrumentIds: readonly number[]): Select {
  const source = sources[query.kind];
  const conditions = conditionsOf(query, source, instrumentIds);
  const filtered = `select ${columnsOf(query.kind, source)}
    from ${source.table} r
    join instrument i using (instrument_id)
    where ${conditions.map(({ sql }) => sql).join(' and ')}`;
  const values = conditions.flatMap((condition) => condition.values);
  if (query.limit === undefined) return { sql: `${filtered} ${orderBy(source, 'asc')}`, values };
  return {
    sql: `select * from (${filtered} ${orderBy(source, 'desc')} limit ?) ${orderBy(source, 'asc')}`,
    values: [...values, query.limit],
  };
}

function columnsOf(view: View, { expressions }: Source): string {
  return Object.keys(columns[view])
    .map((column) => `${expressions[column] ?? `r.${column}`} as ${column}`)
    .join(', ');
}

function orderBy({ order: [time, tie] }: Source, direction: 'asc' | 'desc'): string {
  return `order by ${time} ${direction}, ${tie} ${direction}, venue ${direction}`;
}

function conditionsOf(
  { timeframe, from, to }: Query,
  { reachesTo, startsAt }: Source,
  instrumentIds: readonly number[],
): readonly Select[] {
  const conditions: Select[] = [
    {
      sql: `r.instrument_id in (${instrumentIds.map(() => '?').join(', ')})`,
      values: instrumentIds,
    },
  ];
  if (timeframe !== undefined) conditions.push({ sql: 'r.timeframe = ?', values: [timeframe] });
  if (from !== undefined) conditions.push({ sql: `${reachesTo} >= ?`, values: [from] });
  if (to !== undefined) conditions.push({ sql: `${startsAt} < ?`, values: [to] });
  return conditions;
}
