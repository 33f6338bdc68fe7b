import { formatTime } from '../../market/time.ts';
import { columns, type ColumnKind, type Query, type View } from '../reader.ts';
import { quoteName } from './migrations.ts';

export type Select = { readonly sql: string; readonly parameters: readonly string[] };

/** How a view's rows come from the tables: raw, so that a range of times is a range of the key. */
type Source = {
  readonly table: string;
  /** Columns that are not a column of the table by the same name. */
  readonly expressions: Readonly<Record<string, string>>;
  /** What `from` is held against (at least) and `to` (below). */
  readonly reachesTo: string;
  readonly startsAt: string;
  /** The time, and what orders rows of the same time. */
  readonly order: readonly [time: string, tie: string];
};

const names = { venue: 'i.venue', symbol: 'i.symbol' };

const timeframeText = `case
  when r.timeframe % 86400 = 0 then r.timeframe / 86400 || 'd'
  when r.timeframe % 3600 = 0 then r.timeframe / 3600 || 'h'
  when r.timeframe % 60 = 0 then r.timeframe / 60 || 'm'
  else r.timeframe || 's' end`;

const sources: Readonly<Record<View, Source>> = {
  trades: {
    table: 'trade',
    expressions: {
      ...names,
      side: "case r.side when 'b' then 'buy' when 's' then 'sell' end",
      late: '(r.late <> 0)',
    },
    reachesTo: 'r.ts',
    startsAt: 'r.ts',
    order: ['r.ts', 'r.trade_id'],
  },
  quotes: {
    table: 'quote',
    expressions: names,
    reachesTo: 'r.ts',
    startsAt: 'r.ts',
    order: ['r.ts', 'r.quote_id'],
  },
  bars: {
    table: 'bar_today',
    expressions: {
      ...names,
      timeframe: timeframeText,
      complete: '(r.complete and not r.unfilled_gap)',
      gap: '(r.gap or r.unfilled_gap)',
    },
    reachesTo: 'r.ts',
    startsAt: 'r.ts',
    order: ['r.ts', 'r.timeframe'],
  },
  gaps: {
    table: 'gap',
    expressions: names,
    reachesTo: 'r.to_ts',
    startsAt: 'r.from_ts',
    order: ['r.from_ts', 'r.from_id'],
  },
};

/**
 * A view's columns, in order and as text, for the rows that match; venues sort by code point
 * whatever the collation.
 */
export function selectOf(query: Query, schema: string): Select {
  const source = sources[query.kind];
  const { conditions, parameters } = conditionsOf(query, source);
  const [time, tie] = source.order;
  const filtered = `select ${columnsOf(query.kind, source)},
      ${time} as order_time, ${tie} as order_tie, i.venue collate "C" as order_venue
    from ${quoteName(schema)}.${source.table} r
    join ${quoteName(schema)}.instrument i using (instrument_id)
    where ${conditions.join(' and ')}`;
  if (query.limit === undefined) return { sql: `${filtered} ${orderBy('asc')}`, parameters };
  const latest = `${filtered} ${orderBy('desc')} limit ${query.limit}`;
  return { sql: `select * from (${latest}) latest ${orderBy('asc')}`, parameters };
}

function orderBy(direction: 'asc' | 'desc'): string {
  return `order by order_time ${direction}, order_tie ${direction}, order_venue ${direction}`;
}

function columnsOf(view: View, { expressions }: Source): string {
  return Object.entries(columns[view])
    .map(([column, kind]) => `${textOf(expressions[column] ?? `r.${column}`, kind)} as ${column}`)
    .join(', ');
}

function textOf(expression: string, kind: ColumnKind): string {
  // The driver's Date has milliseconds only.
  if (kind !== 'time') return `(${expression})::text`;
  return `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

type Conditions = {
  readonly conditions: readonly string[];
  readonly parameters: readonly string[];
};

function conditionsOf(query: Query, { reachesTo, startsAt }: Source): Conditions {
  const { symbol, venue, timeframe, from, to } = query;
  const wanted: readonly (readonly [condition: string, value: string | undefined])[] = [
    ['i.symbol =', symbol],
    ['i.venue =', venue],
    ['r.timeframe =', timeframe === undefined ? undefined : String(timeframe)],
    [`${reachesTo} >=`, from === undefined ? undefined : formatTime(from)],
    [`${startsAt} <`, to === undefined ? undefined : formatTime(to)],
  ];
  const conditions: string[] = [];
  const parameters: string[] = [];
  for (const [condition, value] of wanted) {
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(`${condition} $${parameters.length}${castOf(condition)}`);
  }
  return { conditions, parameters };
}

/** Parameters are sent as text. */
function castOf(condition: string): string {
  if (condition.startsWith('i.')) return '::text';
  return condition.startsWith('r.timeframe') ? '::text::int' : '::text::timestamptz';
}
