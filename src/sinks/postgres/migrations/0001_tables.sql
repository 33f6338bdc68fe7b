-- Narrow tables, written by the pipeline. {schema} stands for the configured schema, {by_ts} for
-- native range partitions (nothing where TimescaleDB makes the tables hypertables).

create table {schema}.instrument (
  instrument_id int generated always as identity primary key,
  venue text not null,
  symbol text not null,
  unique (venue, symbol)
);

create table {schema}.trade (
  instrument_id int not null,
  ts timestamptz not null,
  trade_id bigint not null,
  receive_ts timestamptz not null,
  first_id bigint,
  last_id bigint,
  price numeric not null,
  size numeric not null,
  -- The taker's: b bought, s sold.
  side "char",
  -- In no bar: 1 late, 2 stale, 3 unplaced; else 0.
  late smallint not null,
  trade_ref text,
  primary key (instrument_id, ts, trade_id)
) {by_ts};

create table {schema}.quote (
  instrument_id int not null,
  ts timestamptz not null,
  quote_id bigint not null,
  receive_ts timestamptz not null,
  bid numeric,
  bid_size numeric,
  ask numeric,
  ask_size numeric,
  primary key (instrument_id, ts, quote_id),
  check (bid is not null or ask is not null)
) {by_ts};

create table {schema}.bar (
  instrument_id int not null,
  -- Seconds.
  timeframe int not null,
  ts timestamptz not null,
  open numeric not null,
  high numeric not null,
  low numeric not null,
  close numeric not null,
  volume numeric not null,
  quote_volume numeric not null,
  buy_volume numeric not null,
  vwap numeric,
  trade_count bigint not null,
  first_trade_id bigint,
  last_trade_id bigint,
  late_count bigint not null,
  complete boolean not null,
  gap boolean not null,
  revision int not null,
  epoch int not null,
  primary key (instrument_id, timeframe, ts)
) {by_ts};

create table {schema}.gap (
  instrument_id int not null,
  from_ts timestamptz not null,
  from_id bigint not null,
  to_ts timestamptz not null,
  to_id bigint not null,
  missing bigint,
  reason text not null,
  detected_at timestamptz not null,
  filled_at timestamptz,
  -- Shorter than a minute, an hour, a day, or longer: see the view `bar_today`.
  span smallint not null generated always as (
    case
      when to_ts - from_ts < interval '1 minute' then 0
      when to_ts - from_ts < interval '1 hour' then 1
      when to_ts - from_ts < interval '24 hours' then 2
      else 3
    end
  ) stored,
  primary key (instrument_id, from_ts, from_id)
);

-- The holes that bars have to know of. Whether one overlaps a bar is a question of two ends, which
-- one index over all would answer by reading half of them; among holes no longer than some length
-- it is a short range of beginnings.
create index gap_unfilled on {schema}.gap (instrument_id, span, from_ts, to_ts)
  where filled_at is null and (missing is null or missing > 0);

create table {schema}.dead_letter (
  position bigint not null,
  "row" int not null,
  receive_ts timestamptz not null,
  source text not null,
  stage text not null,
  reason text not null,
  sqlstate text,
  payload bytea not null,
  primary key (position, "row")
);

-- The terms of the ledger as they stood at the writer's last checkpoint.
create table {schema}.ledger (
  writer text not null,
  kind text not null,
  outcome text not null,
  items bigint not null,
  updated_at timestamptz not null,
  primary key (writer, kind, outcome)
);
