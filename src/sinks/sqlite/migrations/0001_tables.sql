-- Narrow tables. Times are integer microseconds since the epoch; prices and sizes canonical decimal
-- text; STRICT, so that a value of the wrong type is refused instead of kept.

create table instrument (
  instrument_id integer primary key,
  venue text not null,
  symbol text not null,
  unique (venue, symbol)
) strict;

create table trade (
  instrument_id integer not null,
  ts integer not null,
  trade_id integer not null,
  price text not null,
  size text not null,
  -- The taker's: 1 bought, 0 sold.
  side integer check (side in (0, 1)),
  receive_ts integer not null,
  -- In no bar: 1 late, 2 stale, 3 unplaced; else 0.
  late integer not null check (late between 0 and 3),
  first_id integer,
  last_id integer,
  trade_ref text,
  primary key (instrument_id, ts, trade_id)
) strict, without rowid;

create table quote (
  instrument_id integer not null,
  ts integer not null,
  quote_id integer not null,
  bid text,
  bid_size text,
  ask text,
  ask_size text,
  receive_ts integer not null,
  primary key (instrument_id, ts, quote_id),
  check (bid is not null or ask is not null)
) strict, without rowid;

create table bar (
  instrument_id integer not null,
  -- Seconds.
  timeframe integer not null,
  ts integer not null,
  open text not null,
  high text not null,
  low text not null,
  close text not null,
  volume text not null,
  quote_volume text not null,
  buy_volume text not null,
  vwap text,
  trade_count integer not null,
  first_trade_id integer,
  last_trade_id integer,
  late_count integer not null,
  complete integer not null check (complete in (0, 1)),
  gap integer not null check (gap in (0, 1)),
  revision integer not null,
  epoch integer not null,
  primary key (instrument_id, timeframe, ts)
) strict, without rowid;

create table gap (
  instrument_id integer not null,
  from_ts integer not null,
  from_id integer not null,
  to_ts integer not null,
  to_id integer not null,
  missing integer,
  reason text not null,
  detected_at integer not null,
  filled_at integer,
  -- Shorter than a minute, an hour, a day, or longer: see `gap_span`.
  span integer generated always as (
    case
      when to_ts - from_ts < 60000000 then 0
      when to_ts - from_ts < 3600000000 then 1
      when to_ts - from_ts < 86400000000 then 2
      else 3
    end
  ) virtual,
  primary key (instrument_id, from_ts, from_id)
) strict, without rowid;

-- The holes that bars have to know of. Whether one overlaps a bar is a question of two ends, which
-- one index over all would answer by reading half of them; among holes shorter than `longest` it is
-- a short range of beginnings.
create index gap_unfilled on gap (instrument_id, span, from_ts, to_ts)
  where filled_at is null and (missing is null or missing > 0);

create table gap_span (
  span integer primary key,
  longest integer not null
) strict;

insert into gap_span (span, longest)
values (0, 60000000), (1, 3600000000), (2, 86400000000), (3, 1 << 62);

create table dead_letter (
  position integer not null,
  "row" integer not null,
  receive_ts integer not null,
  source text not null,
  stage text not null,
  reason text not null,
  sqlstate text,
  payload blob not null,
  primary key (position, "row")
) strict;

-- The terms of the ledger as they stood at the writer's last checkpoint.
create table ledger (
  writer text not null,
  kind text not null,
  outcome text not null,
  items integer not null,
  updated_at integer not null,
  primary key (writer, kind, outcome)
) strict, without rowid;
