import type { SQLQueryBindings } from 'bun:sqlite';
import type { Bar } from '../../market/bar.ts';
import { formatDecimal, type Decimal } from '../../market/decimal.ts';
import type { LateReason, Quote, Side, Trade } from '../../market/events.ts';
import type { Gap } from '../../market/gap.ts';
import type { DeadLetter, LedgerItem } from '../sink.ts';

/**
 * How rows of one table are written: a statement that changes one row or none, and a row's values
 * in its order. Rows of dead letters and of the ledger belong to no instrument.
 */
export type TableWriter<Row> = {
  readonly sql: string;
  readonly values: (row: Row, instrumentId: number) => SQLQueryBindings[];
};

const lateCodes: Readonly<Record<LateReason, number>> = { late: 1, stale: 2, unplaced: 3 };

export const tradeWriter: TableWriter<Trade> = {
  sql: `insert into trade
    (instrument_id, ts, trade_id, price, size, side, receive_ts, late, first_id, last_id, trade_ref)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do nothing`,
  values: (trade, instrumentId) => [
    instrumentId,
    trade.eventTime,
    trade.id,
    formatDecimal(trade.price),
    formatDecimal(trade.size),
    sideCode(trade.side),
    trade.receiveTime,
    trade.late === undefined ? 0 : lateCodes[trade.late],
    trade.firstId ?? null,
    trade.lastId ?? null,
    trade.ref ?? null,
  ],
};

export const quoteWriter: TableWriter<Quote> = {
  sql: `insert into quote
    (instrument_id, ts, quote_id, bid, bid_size, ask, ask_size, receive_ts)
    values (?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do nothing`,
  values: (quote, instrumentId) => [
    instrumentId,
    quote.eventTime ?? quote.receiveTime,
    quote.id,
    decimalText(quote.bid),
    decimalText(quote.bidSize),
    decimalText(quote.ask),
    decimalText(quote.askSize),
    quote.receiveTime,
  ],
};

export const barWriter: TableWriter<Bar> = {
  sql: `insert into bar
    (instrument_id, timeframe, ts, open, high, low, close, volume, quote_volume, buy_volume, vwap,
      trade_count, first_trade_id, last_trade_id, late_count, complete, gap, revision, epoch)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do update set
      open = excluded.open,
      high = excluded.high,
      low = excluded.low,
      close = excluded.close,
      volume = excluded.volume,
      quote_volume = excluded.quote_volume,
      buy_volume = excluded.buy_volume,
      vwap = excluded.vwap,
      trade_count = excluded.trade_count,
      first_trade_id = excluded.first_trade_id,
      last_trade_id = excluded.last_trade_id,
      late_count = excluded.late_count,
      complete = excluded.complete,
      gap = excluded.gap,
      revision = excluded.revision,
      epoch = excluded.epoch
    where (excluded.epoch, excluded.trade_count, excluded.complete, excluded.revision)
      > (bar.epoch, bar.trade_count, bar.complete, bar.revision)`,
  values: (bar, instrumentId) => [
    instrumentId,
    bar.timeframe,
    bar.openTime,
    formatDecimal(bar.open),
    formatDecimal(bar.high),
    formatDecimal(bar.low),
    formatDecimal(bar.close),
    formatDecimal(bar.volume),
    formatDecimal(bar.quoteVolume),
    formatDecimal(bar.buyVolume),
    decimalText(bar.vwap),
    bar.tradeCount,
    bar.firstTradeId ?? null,
    bar.lastTradeId ?? null,
    bar.lateCount,
    bar.complete ? 1 : 0,
    bar.gap ? 1 : 0,
    bar.revision,
    bar.epoch,
  ],
};

/**
 * The first reason, extent and time of detection stay. A copy wins with fewer missing, or by being
 * filled where the stored one is not; an unknown number of missing never gives way to a known one.
 */
export const gapWriter: TableWriter<Gap> = {
  sql: `insert into gap
    (instrument_id, from_ts, from_id, to_ts, to_id, missing, reason, detected_at, filled_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do update set
      to_ts = iif(gap.to_id = excluded.to_id, gap.to_ts, excluded.to_ts),
      to_id = excluded.to_id,
      missing = iif(gap.to_id = excluded.to_id,
        min(gap.missing, excluded.missing), excluded.missing),
      reason = iif(gap.to_id = excluded.to_id, gap.reason, excluded.reason),
      detected_at = iif(gap.to_id = excluded.to_id, gap.detected_at, excluded.detected_at),
      filled_at = iif(gap.to_id = excluded.to_id,
        coalesce(gap.filled_at, excluded.filled_at), excluded.filled_at)
    where iif(gap.to_id = excluded.to_id,
      excluded.missing < gap.missing
        or (gap.filled_at is null and excluded.filled_at is not null),
      excluded.detected_at > gap.detected_at)`,
  values: (gap, instrumentId) => [
    instrumentId,
    gap.fromTime,
    gap.fromId,
    gap.toTime,
    gap.toId,
    gap.missing ?? null,
    gap.reason,
    gap.detectedAt,
    gap.filledAt ?? null,
  ],
};

export const deadLetterWriter: TableWriter<DeadLetter> = {
  sql: `insert into dead_letter
    (position, "row", receive_ts, source, stage, reason, sqlstate, payload)
    values (?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do nothing`,
  values: (letter) => [
    letter.position,
    letter.row,
    letter.receiveTime,
    letter.source,
    letter.stage,
    letter.reason,
    letter.sqlstate ?? null,
    letter.payload,
  ],
};

export type LedgerRow = LedgerItem & { readonly writer: string; readonly at: number };

export const ledgerWriter: TableWriter<LedgerRow> = {
  sql: `insert into ledger (writer, kind, outcome, items, updated_at)
    values (?, ?, ?, ?, ?)
    on conflict do update set items = excluded.items, updated_at = excluded.updated_at
    where excluded.updated_at >= ledger.updated_at`,
  values: ({ writer, kind, outcome, items, at }) => [writer, kind, outcome, items, at],
};

function decimalText(value: Decimal | undefined): string | null {
  return value === undefined ? null : formatDecimal(value);
}

function sideCode(side: Side | undefined): number | null {
  if (side === undefined) return null;
  return side === 'buy' ? 1 : 0;
}
