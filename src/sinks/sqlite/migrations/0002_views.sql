-- What users query: names, times as text, prices and sizes as exact text; the `_real` companions,
-- for sorting and arithmetic, stand behind the columns that every database has.

create view trades as
select
  i.venue,
  i.symbol,
  strftime('%Y-%m-%dT%H:%M:%S', t.ts / 1000000, 'unixepoch')
    || printf('.%06dZ', t.ts % 1000000) as ts,
  t.trade_id,
  t.price,
  t.size,
  case t.side when 1 then 'buy' when 0 then 'sell' end as side,
  strftime('%Y-%m-%dT%H:%M:%S', t.receive_ts / 1000000, 'unixepoch')
    || printf('.%06dZ', t.receive_ts % 1000000) as receive_ts,
  t.late <> 0 as late,
  t.first_id,
  t.last_id,
  t.trade_ref,
  cast(t.price as real) as price_real,
  cast(t.size as real) as size_real
from trade t
join instrument i using (instrument_id);

create view quotes as
select
  i.venue,
  i.symbol,
  strftime('%Y-%m-%dT%H:%M:%S', q.ts / 1000000, 'unixepoch')
    || printf('.%06dZ', q.ts % 1000000) as ts,
  q.quote_id,
  q.bid,
  q.bid_size,
  q.ask,
  q.ask_size,
  strftime('%Y-%m-%dT%H:%M:%S', q.receive_ts / 1000000, 'unixepoch')
    || printf('.%06dZ', q.receive_ts % 1000000) as receive_ts,
  cast(q.bid as real) as bid_real,
  cast(q.bid_size as real) as bid_size_real,
  cast(q.ask as real) as ask_real,
  cast(q.ask_size as real) as ask_size_real
from quote q
join instrument i using (instrument_id);

-- Every bar with what is known today of holes in it, one of `unfilled_gap` being enough: a hole
-- found after the bar became final shows, and a filled one vanishes. A hole lies between the last
-- trade before it and the first one behind.
create view bar_today as
select
  b.*,
  exists (
    select 1
    from gap_span s
    cross join gap g indexed by gap_unfilled
    where g.instrument_id = b.instrument_id
      and g.span = s.span
      and g.from_ts > b.ts - s.longest
      and g.from_ts < b.ts + b.timeframe * 1000000
      and g.to_ts >= b.ts
      and g.filled_at is null
      and (g.missing is null or g.missing > 0)
  ) as unfilled_gap
from bar b;

create view bars as
select
  i.venue,
  i.symbol,
  case
    when b.timeframe % 86400 = 0 then (b.timeframe / 86400) || 'd'
    when b.timeframe % 3600 = 0 then (b.timeframe / 3600) || 'h'
    when b.timeframe % 60 = 0 then (b.timeframe / 60) || 'm'
    else b.timeframe || 's'
  end as timeframe,
  strftime('%Y-%m-%dT%H:%M:%S', b.ts / 1000000, 'unixepoch')
    || printf('.%06dZ', b.ts % 1000000) as ts,
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
  b.revision,
  cast(b.open as real) as open_real,
  cast(b.high as real) as high_real,
  cast(b.low as real) as low_real,
  cast(b.close as real) as close_real,
  cast(b.volume as real) as volume_real,
  cast(b.quote_volume as real) as quote_volume_real,
  cast(b.buy_volume as real) as buy_volume_real,
  cast(b.vwap as real) as vwap_real
from bar_today b
join instrument i using (instrument_id);

create view gaps as
select
  i.venue,
  i.symbol,
  g.from_id,
  g.to_id,
  strftime('%Y-%m-%dT%H:%M:%S', g.from_ts / 1000000, 'unixepoch')
    || printf('.%06dZ', g.from_ts % 1000000) as from_ts,
  strftime('%Y-%m-%dT%H:%M:%S', g.to_ts / 1000000, 'unixepoch')
    || printf('.%06dZ', g.to_ts % 1000000) as to_ts,
  g.missing,
  g.reason,
  strftime('%Y-%m-%dT%H:%M:%S', g.detected_at / 1000000, 'unixepoch')
    || printf('.%06dZ', g.detected_at % 1000000) as detected_at,
  strftime('%Y-%m-%dT%H:%M:%S', g.filled_at / 1000000, 'unixepoch')
    || printf('.%06dZ', g.filled_at % 1000000) as filled_at
from gap g
join instrument i using (instrument_id);
