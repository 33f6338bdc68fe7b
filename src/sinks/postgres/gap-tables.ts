import { formatTime } from '../../market/time.ts';
import { UNFILLED, type GapTables, type TradePage, type UnfilledGap } from '../gap-recount.ts';
import { plainArray } from './array-literal.ts';
import { quoteName } from './migrations.ts';
import type { Row, Session } from './session.ts';

const micros = (time: string): string => `(extract(epoch from ${time}) * 1000000)::bigint::text`;

/** `{schema}` stands for the schema. The texts are few: the server keeps each prepared. */
const INSTRUMENTS = `
  select instrument_id, venue, symbol from {schema}.instrument i
  where exists (
    select from {schema}.gap g where g.instrument_id = i.instrument_id and ${UNFILLED}
      and detected_at >= $1::text::timestamptz)
  order by instrument_id`;

/** The rows first, then the trades of each: a range of the key, and of few partitions. */
const GAPS = `
  select ${micros('g.from_ts')} as from_time, g.from_id::text, ${micros('g.to_ts')} as to_time,
    g.to_id::text, g.missing::text, exists (
      select from {schema}.trade t
      where t.instrument_id = g.instrument_id and t.ts >= g.from_ts and t.ts <= g.to_ts
        and t.trade_id >= g.from_id and t.trade_id <= g.to_id) as touched
  from (
    select * from {schema}.gap
    where instrument_id = $1::text::int and ${UNFILLED}
      and (from_ts, from_id) > ($2::text::timestamptz, $3::text::bigint)
      and detected_at >= $4::text::timestamptz
    order by from_ts, from_id limit $5::text::bigint) g
  order by g.from_ts, g.from_id`;

/** Ids without a hole between them differ from their rank alike. */
const TRADES = `
  with page as materialized (
    select ts, trade_id, receive_ts from {schema}.trade
    where instrument_id = $1::text::int
      and ts >= $2::text::timestamptz and ts <= $4::text::timestamptz
      and (ts, trade_id) > ($2::text::timestamptz, $3::text::bigint)
      and trade_id >= $5::text::bigint and trade_id <= $6::text::bigint
    order by ts, trade_id limit $7::text::bigint
  ), ranked as (
    select trade_id, trade_id - dense_rank() over (order by trade_id) as run from page
  ), island as (
    select min(trade_id) as first, max(trade_id) as last from ranked group by run
  ), last as (
    select ${micros('ts')} as time, trade_id::text as id,
      (select count(*)::int from page) as trades,
      (select ${micros('max(receive_ts)')} from page) as received
    from page order by ts desc, trade_id desc limit 1
  )
  select island.first::text, island.last::text, last.time, last.id, last.trades, last.received
  from island cross join last`;

/** Locked in the order of the key first, as whoever commits gaps does. */
const NARROW = `
  with change as (
    select * from unnest($1::int[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[],
      $6::timestamptz[]) as c(instrument_id, from_ts, from_id, to_id, missing, received)
  ), locked as (
    select g.instrument_id, g.from_ts, g.from_id, c.missing, c.received
    from {schema}.gap g join change c using (instrument_id, from_ts, from_id, to_id)
    where g.filled_at is null and g.missing > c.missing
    order by g.instrument_id, g.from_ts, g.from_id
    for update of g
  )
  update {schema}.gap g set
    missing = l.missing,
    filled_at = case when l.missing = 0 then greatest(g.detected_at, l.received) end
  from locked l
  where g.instrument_id = l.instrument_id and g.from_ts = l.from_ts and g.from_id = l.from_id
  returning g.missing = 0 as filled`;

/** On a session of its own. */
export const postgresGapTables = (
  session: Session,
  schema: string,
  signal: AbortSignal,
): GapTables => {
  const ask = async (text: string, parameters: readonly (string | number | bigint)[]) => {
    const statement = text.replaceAll('{schema}', quoteName(schema));
    const { rows } = await session.query(statement, parameters.map(String), signal);
    return rows;
  };
  return {
    instruments: async (detectedFrom) =>
      (await ask(INSTRUMENTS, [formatTime(detectedFrom)])).map((row) => ({
        id: Number(row['instrument_id']),
        venue: String(row['venue']),
        symbol: String(row['symbol']),
      })),
    unfilled: async (instrumentId, detectedFrom, after, limit) => {
      const key = [formatTime(after.time), after.id];
      const rows = await ask(GAPS, [instrumentId, ...key, formatTime(detectedFrom), limit]);
      return rows.map((row) => gapOf(instrumentId, row));
    },
    trades: async (gap, after, limit) => {
      const { instrumentId, from, to } = gap;
      const times = [formatTime(after.time), after.id, formatTime(to.time)];
      return pageOf(await ask(TRADES, [instrumentId, ...times, from.id, to.id, limit]), limit);
    },
    narrow: async (changes) => {
      const rows = await ask(NARROW, [
        plainArray(changes.map(({ gap }) => gap.instrumentId)),
        plainArray(changes.map(({ gap }) => formatTime(gap.from.time))),
        plainArray(changes.map(({ gap }) => gap.from.id)),
        plainArray(changes.map(({ gap }) => gap.to.id)),
        plainArray(changes.map(({ missing }) => missing)),
        plainArray(changes.map(({ receivedTo }) => formatTime(receivedTo))),
      ]);
      return { narrowed: rows.length, filled: rows.filter((row) => row['filled'] === true).length };
    },
  };
};

const gapOf = (instrumentId: number, row: Row): UnfilledGap => ({
  instrumentId,
  from: { time: Number(row['from_time']), id: bigintOf(row['from_id']) },
  to: { time: Number(row['to_time']), id: bigintOf(row['to_id']) },
  missing: bigintOf(row['missing']),
  isTouched: row['touched'] === true,
});

const pageOf = (rows: readonly Row[], limit: number): TradePage => {
  const [row] = rows;
  const isFull = Number(row?.['trades']) >= limit;
  return {
    ranges: rows.map(({ first, last }) => ({ first: bigintOf(first), last: bigintOf(last) })),
    receivedTo: row === undefined ? 0 : Number(row['received']),
    next: isFull ? { time: Number(row?.['time']), id: bigintOf(row?.['id']) } : undefined,
  };
};

const bigintOf = (cell: unknown): bigint => BigInt(String(cell));
