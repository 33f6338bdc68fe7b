-- What users query: names instead of numbers. Columns and their order are the same in every
-- database.

create view {schema}.trades as
select
  i.venue,
  i.symbol,
  t.ts,
  t.trade_id,
  t.price,
  t.size,
  case t.side when 'b' then 'buy' when 's' then 'sell' end as side,
  t.receive_ts,
  t.late <> 0 as late,
  t.first_id,
  t.last_id,
  t.trade_ref
from {schema}.trade t
join {schema}.instrument i using (instrument_id);

create view {schema}.quotes as
select
  i.venue,
  i.symbol,
  q.ts,
  q.quote_id,
  q.bid,
  q.bid_size,
  q.ask,
  q.ask_size,
  q.receive_ts
from {schema}.quote q
join {schema}.instrument i using (instrument_id);

-- Every bar with what is known today of holes in it, one of `unfilled_gap` being enough: a hole
-- found after the bar became final shows, and a filled one vanishes. A hole lies between the last
-- trade before it and the first one behind.
create view {schema}.bar_today as
select
  b.*,
  exists (
    select
    from (
      values
        (0, interval '1 minute'),
        (1, interval '1 hour'),
        (2, interval '24 hours'),
        (3, interval '999 years')
    ) s (span, longest)
    -- One at a time, so that each is looked up in the index `gap_unfilled`.
    cross join lateral (
      select
      from {schema}.gap g
      where g.instrument_id = b.instrument_id
        and g.span = s.span
        and g.from_ts > b.ts - s.longest
        and g.from_ts < b.ts + make_interval(secs => b.timeframe)
        and g.to_ts >= b.ts
        and g.filled_at is null
        and (g.missing is null or g.missing > 0)
      limit 1
    ) hole
  ) as unfilled_gap
from {schema}.bar b;

create view {schema}.bars as
select
  i.venue,
  i.symbol,
  case
    when b.timeframe % 86400 = 0 then b.timeframe / 86400 || 'd'
    when b.timeframe % 3600 = 0 then b.timeframe / 3600 || 'h'
    when b.timeframe % 60 = 0 then b.timeframe / 60 || 'm'
    else b.timeframe || 's'
  end as timeframe,
  b.ts,
  b.open,
  b.high,
  b.low,
  b.close,
  b.volume,
  b.quote_volume,
  b.buy_volume,
  b.vwap,
  b.trade_count,
  b.first_trade_id,
  b.last_trade_id,
  b.late_count,
  b.complete and not b.unfilled_gap as complete,
  b.gap or b.unfilled_gap as gap,
  b.revision
from {schema}.bar_today b
join {schema}.instrument i using (instrument_id);

create view {schema}.gaps as
select
  i.venue,
  i.symbol,
  g.from_id,
  g.to_id,
  g.from_ts,
  g.to_ts,
  g.missing,
  g.reason,
  g.detected_at,
  g.filled_at
from {schema}.gap g
join {schema}.instrument i using (instrument_id);
