import type { Database } from 'bun:sqlite';
import { yieldTurn } from '../../runtime/waiting.ts';
import {
  UNFILLED,
  type GapTables,
  type IdRange,
  type Narrowed,
  type RowKey,
  type TradePage,
  type UnfilledGap,
} from '../gap-recount.ts';
import { databaseError } from './errors.ts';

const INSTRUMENTS = `
  select instrument_id, venue, symbol from instrument i
  where exists (
    select 1 from gap g
    where g.instrument_id = i.instrument_id and ${UNFILLED} and detected_at >= ?)
  order by instrument_id`;

const GAPS = `
  select from_ts, from_id, to_ts, to_id, missing, exists (
    select 1 from trade t
    where t.instrument_id = g.instrument_id and t.ts >= g.from_ts and t.ts <= g.to_ts
      and t.trade_id >= g.from_id and t.trade_id <= g.to_id)
  from gap g
  where instrument_id = ? and (from_ts, from_id) > (?, ?) and ${UNFILLED} and detected_at >= ?
  order by from_ts, from_id limit ?`;

const TRADES = `
  select ts, trade_id, receive_ts from trade
  where instrument_id = ? and (ts, trade_id) > (?, ?) and ts <= ? and trade_id between ? and ?
  order by ts, trade_id limit ?`;

const NARROW = `
  update gap set missing = ?1, filled_at = iif(?1 = 0, max(detected_at, ?2), null)
  where instrument_id = ?3 and from_ts = ?4 and from_id = ?5 and to_id = ?6
    and filled_at is null and missing > ?1`;

export type GapFile = {
  readonly path: string;
  /** Opened with `safeIntegers`; between two calls others may use it. */
  readonly reading: Database;
  /** Asked for at the first row to be written; may be the same. */
  readonly writing: () => Database;
};

/** SQLite works on the calling thread: everything else has its turn before each call. */
export const sqliteGapTables = ({ path, reading, writing }: GapFile): GapTables => {
  const turn = async <T>(what: string, work: () => T): Promise<T> => {
    await yieldTurn();
    try {
      return work();
    } catch (error) {
      throw databaseError(error, what, path);
    }
  };
  return {
    instruments: (detectedFrom) =>
      turn('read', () =>
        reading
          .query(INSTRUMENTS)
          .values(detectedFrom)
          .map(([id, venue, symbol]) => ({
            id: Number(id),
            venue: String(venue),
            symbol: String(symbol),
          })),
      ),
    unfilled: (instrumentId, detectedFrom, after, limit) =>
      turn('read', () =>
        reading
          .query(GAPS)
          .values(instrumentId, after.time, after.id, detectedFrom, limit)
          .map((row) => gapOf(instrumentId, row)),
      ),
    trades: (gap, after, limit) =>
      turn('read', () => {
        const { instrumentId, from, to } = gap;
        const { time, id } = after;
        const rows = reading
          .query(TRADES)
          .values(instrumentId, time, id, to.time, from.id, to.id, limit);
        return pageOf(rows, limit);
      }),
    narrow: (changes) => turn('write to', () => narrow(writing(), changes)),
  };
};

type Values = readonly unknown[];

const gapOf = (instrumentId: number, row: Values): UnfilledGap => {
  const [fromTs, fromId, toTs, toId, missing, touched] = row.map((cell) => BigInt(String(cell)));
  return {
    instrumentId,
    from: { time: Number(fromTs), id: fromId ?? 0n },
    to: { time: Number(toTs), id: toId ?? 0n },
    missing: missing ?? 0n,
    isTouched: touched === 1n,
  };
};

const pageOf = (rows: readonly Values[], limit: number): TradePage => {
  const ranges: IdRange[] = [];
  let receivedTo = 0;
  let next: RowKey | undefined;
  for (const [ts, tradeId, receiveTs] of rows) {
    const id = BigInt(String(tradeId));
    const before = ranges.at(-1);
    if (before?.last === id - 1n) ranges.splice(-1, 1, { first: before.first, last: id });
    else ranges.push({ first: id, last: id });
    receivedTo = Math.max(receivedTo, Number(receiveTs));
    next = { time: Number(ts), id };
  }
  return { ranges, receivedTo, next: rows.length < limit ? undefined : next };
};

const narrow = (db: Database, changes: readonly Narrowed[]) =>
  db
    .transaction(() => {
      const statement = db.query(NARROW);
      let narrowed = 0;
      let filled = 0;
      for (const { gap, missing, receivedTo } of changes) {
        const { instrumentId, from, to } = gap;
        const key = [instrumentId, from.time, from.id, to.id] as const;
        const { changes: changed } = statement.run(missing, receivedTo, ...key);
        narrowed += changed;
        if (missing === 0n) filled += changed;
      }
      return { narrowed, filled };
    })
    .immediate();
