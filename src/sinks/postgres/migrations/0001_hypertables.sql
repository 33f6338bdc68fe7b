-- TimescaleDB only. {timescale} stands for the schema that holds the extension.

select {timescale}.create_hypertable(
  '{schema}.trade', 'ts', chunk_time_interval => interval '1 day'
);
select {timescale}.create_hypertable(
  '{schema}.quote', 'ts', chunk_time_interval => interval '1 day'
);
select {timescale}.create_hypertable(
  '{schema}.bar', 'ts', chunk_time_interval => interval '1 month'
);

alter table {schema}.trade set (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'instrument_id',
  timescaledb.compress_orderby = 'ts desc, trade_id desc'
);
alter table {schema}.quote set (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'instrument_id',
  timescaledb.compress_orderby = 'ts desc, quote_id desc'
);
alter table {schema}.bar set (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'instrument_id, timeframe',
  timescaledb.compress_orderby = 'ts desc'
);
