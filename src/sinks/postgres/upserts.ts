import type { Bar } from '../../market/bar.ts';
import { formatDecimal, type Decimal } from '../../market/decimal.ts';
import type { Gap } from '../../market/gap.ts';
import type { Integer } from '../../market/integer.ts';
import { formatTime } from '../../market/time.ts';
import type { DeadLetter, LedgerItem } from '../sink.ts';
import { bytesArray, plainArray, textArray } from './array-literal.ts';
import { outOfRange, storable } from './binary-rows.ts';
import { quoteName } from './migrations.ts';

/** How rows of one table are written by a single statement that takes one array a column. */
export type UpsertTable<Row> = {
  readonly table: 'bar' | 'gap' | 'dead_letter' | 'ledger';
  readonly columns: readonly Column<Row>[];
  /** Behind `insert into <table> (<columns>)`; the rows are `r`, numbered `n` in arrival order. */
  readonly select: (columns: string, rows: string, table: string) => string;
};

export type Column<Row> = {
  readonly name: string;
  readonly type: string;
  readonly literal: (rows: readonly Row[], ids: readonly number[]) => string;
};

/**
 * Sorted by key, so that two workers cannot lock each other out, and one row a key, because a
 * statement may not update a row twice.
 */
export const barTable: UpsertTable<Bar> = {
  table: 'bar',
  columns: [
    instrumentColumn(),
    plain('timeframe', 'int', (bar) => bar.timeframe),
    plain('ts', 'timestamptz', (bar) => formatTime(bar.openTime)),
    decimal('open', (bar) => bar.open),
    decimal('high', (bar) => bar.high),
    decimal('low', (bar) => bar.low),
    decimal('close', (bar) => bar.close),
    decimal('volume', (bar) => bar.volume),
    decimal('quote_volume', (bar) => bar.quoteVolume),
    decimal('buy_volume', (bar) => bar.buyVolume),
    decimal('vwap', (bar) => bar.vwap),
    plain('trade_count', 'bigint', (bar) => bar.tradeCount),
    integer('first_trade_id', (bar) => bar.firstTradeId),
    integer('last_trade_id', (bar) => bar.lastTradeId),
    plain('late_count', 'bigint', (bar) => bar.lateCount),
    plain('complete', 'boolean', (bar) => bar.complete),
    plain('gap', 'boolean', (bar) => bar.gap),
    plain('revision', 'int', (bar) => bar.revision),
    plain('epoch', 'int', (bar) => bar.epoch),
  ],
  select: (columns, rows) => `
    select distinct on (instrument_id, timeframe, ts) ${columns} from ${rows}
    order by instrument_id, timeframe, ts,
      epoch desc, trade_count desc, complete desc, revision desc
    on conflict (instrument_id, timeframe, ts) do update set
      ${columns
        .split(', ')
        .slice(3)
        .map((name) => `${name} = excluded.${name}`)
        .join(', ')}
    where (excluded.epoch, excluded.trade_count, excluded.complete, excluded.revision)
      > (bar.epoch, bar.trade_count, bar.complete, bar.revision)`,
};

/**
 * Of one hole the first reason and time of detection stay. A copy wins with fewer missing, or by
 * being filled where the stored one is not; an unknown number of missing never gives way to a known
 * one. A hole that begins alike and ends elsewhere was found by a program that knew less, or more:
 * after a power loss, which took what it had read. It stands in place of one detected before it.
 */
export const gapTable: UpsertTable<Gap> = {
  table: 'gap',
  columns: [
    instrumentColumn(),
    plain('from_ts', 'timestamptz', (gap) => formatTime(gap.fromTime)),
    integer('from_id', (gap) => gap.fromId),
    plain('to_ts', 'timestamptz', (gap) => formatTime(gap.toTime)),
    integer('to_id', (gap) => gap.toId),
    integer('missing', (gap) => gap.missing),
    text('reason', (gap) => gap.reason),
    plain('detected_at', 'timestamptz', (gap) => formatTime(gap.detectedAt)),
    plain('filled_at', 'timestamptz', (gap) =>
      gap.filledAt === undefined ? undefined : formatTime(gap.filledAt),
    ),
  ],
  select: (_columns, rows) => `
    with copy as (
      select *, first_value(to_id) over (
        partition by instrument_id, from_ts, from_id order by detected_at desc, n) as extent
      from ${rows})
    select instrument_id, from_ts, from_id,
      (array_agg(to_ts order by n))[1],
      (array_agg(to_id order by n))[1],
      case when bool_or(missing is null) then null else min(missing) end,
      (array_agg(reason order by n))[1],
      (array_agg(detected_at order by n))[1],
      (array_agg(filled_at order by n) filter (where filled_at is not null))[1]
    from copy where to_id = extent group by 1, 2, 3 order by 1, 2, 3
    on conflict (instrument_id, from_ts, from_id) do update set
      to_ts = case when gap.to_id = excluded.to_id then gap.to_ts else excluded.to_ts end,
      to_id = excluded.to_id,
      missing = case when gap.to_id <> excluded.to_id then excluded.missing
        when gap.missing is null or excluded.missing is null then null
        else least(gap.missing, excluded.missing) end,
      reason = case when gap.to_id = excluded.to_id then gap.reason else excluded.reason end,
      detected_at = case when gap.to_id = excluded.to_id then gap.detected_at
        else excluded.detected_at end,
      filled_at = case when gap.to_id <> excluded.to_id then excluded.filled_at
        else coalesce(gap.filled_at, excluded.filled_at) end
    where case when gap.to_id <> excluded.to_id then excluded.detected_at > gap.detected_at
      else excluded.missing < gap.missing
        or (gap.filled_at is null and excluded.filled_at is not null) end`,
};

export const deadLetterTable: UpsertTable<DeadLetter> = {
  table: 'dead_letter',
  columns: [
    integer('position', (letter) => letter.position),
    plain('"row"', 'int', (letter) => letter.row),
    plain('receive_ts', 'timestamptz', (letter) => formatTime(letter.receiveTime)),
    text('source', (letter) => letter.source),
    text('stage', (letter) => letter.stage),
    text('reason', (letter) => letter.reason),
    text('sqlstate', (letter) => letter.sqlstate),
    {
      name: 'payload',
      type: 'bytea',
      literal: (rows) => bytesArray(rows.map((letter) => letter.payload)),
    },
  ],
  select: (columns, rows) => `
    select ${columns} from ${rows} order by position, "row" on conflict do nothing`,
};

export type LedgerRow = LedgerItem & { readonly writer: string; readonly at: number };

export const ledgerTable: UpsertTable<LedgerRow> = {
  table: 'ledger',
  columns: [
    text('writer', (row) => row.writer),
    text('kind', (row) => row.kind),
    text('outcome', (row) => row.outcome),
    plain('items', 'bigint', (row) => row.items),
    plain('updated_at', 'timestamptz', (row) => formatTime(row.at)),
  ],
  select: (columns, rows) => `
    select ${columns} from ${rows} order by writer, kind, outcome
    on conflict (writer, kind, outcome) do update set
      items = excluded.items, updated_at = excluded.updated_at
    where excluded.updated_at >= ledger.updated_at`,
};

/** The one statement of a table; parameters are the columns in order. */
export function upsertStatement<Row>(table: UpsertTable<Row>, schema: string): string {
  const names = table.columns.map(({ name }) => name).join(', ');
  const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  const target = `${quoteName(schema)}.${table.table}`;
  const rows = `unnest(${arrays}) with ordinality as r(${names}, n)`;
  return `insert into ${target} (${names}) ${table.select(names, rows, target)}`;
}

function instrumentColumn<Row>(): Column<Row> {
  return { name: 'instrument_id', type: 'int', literal: (_rows, ids) => plainArray(ids) };
}

function plain<Row>(
  name: string,
  type: string,
  of: (row: Row) => string | number | boolean | undefined,
): Column<Row> {
  return { name, type, literal: (rows) => plainArray(rows.map(of)) };
}

function decimal<Row>(name: string, of: (row: Row) => Decimal | undefined): Column<Row> {
  const textOf = (row: Row): string | undefined => {
    const value = of(row);
    return value === undefined ? undefined : formatDecimal(value);
  };
  return { name, type: 'numeric', literal: (rows) => plainArray(rows.map(textOf)) };
}

function integer<Row>(name: string, of: (row: Row) => Integer | undefined): Column<Row> {
  return { name, type: 'bigint', literal: (rows) => plainArray(rows.map((row) => int8(of(row)))) };
}

function int8(value: Integer | undefined): Integer | undefined {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) throw outOfRange();
  return value;
}

function text<Row>(name: string, of: (row: Row) => string | undefined): Column<Row> {
  const textOf = (row: Row): string | undefined => {
    const value = of(row);
    return value === undefined ? undefined : storable(value);
  };
  return { name, type: 'text', literal: (rows) => textArray(rows.map(textOf)) };
}
