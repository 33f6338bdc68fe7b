import type { Database } from 'bun:sqlite';
import { MdpError } from '../../runtime/errors.ts';
import { unknownTimeframes, type Cut } from '../cut.ts';

/** Removes what `cut` names, within a transaction; gives the next epoch of its bars. */
export function clearCut(db: Database, cut: Cut): number {
  const { instruments, timeframes, tables, from, to } = cut;
  const ids = instruments.flatMap(({ venue, symbol }) =>
    db
      .query('select instrument_id from instrument where venue = ? and symbol = ?')
      .values(venue, symbol)
      .map(([id]) => Number(id)),
  );
  let epoch = 0;
  for (const id of ids) {
    const stored = db
      .query('select distinct timeframe from bar where instrument_id = ? and ts >= ? and ts < ?')
      .values(id, from, to)
      .map(([timeframe]) => Number(timeframe));
    const unknown = unknownTimeframes(stored, timeframes);
    if (unknown !== undefined) throw unknown;
    const [[last] = []] = db.query('select max(epoch) from bar where instrument_id = ?').values(id);
    epoch = Math.max(epoch, Number(last ?? 0));
    for (const table of tables) {
      const time = table === 'gap' ? 'from_ts' : 'ts';
      db.run(`delete from ${table} where instrument_id = ? and ${time} >= ? and ${time} < ?`, [
        id,
        from,
        to,
      ]);
    }
  }
  if (!Number.isSafeInteger(epoch)) throw new MdpError('invariant', 'an epoch is no integer');
  return epoch + 1;
}
