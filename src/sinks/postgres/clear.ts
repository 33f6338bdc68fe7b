import { formatTime } from '../../market/time.ts';
import { MdpError } from '../../runtime/errors.ts';
import { unknownTimeframes, writerRuns, type Cut } from '../cut.ts';
import { plainArray, textArray } from './array-literal.ts';
import { quoteName, quoteText } from './migrations.ts';
import type { Session } from './session.ts';

/** Removing may take long. */
const CLEAR_DEADLINE_MS = 3_600_000;

/**
 * Every session that writes holds this lock shared, and who replaces rows holds it alone: as long
 * as the session lives.
 */
const writersLock = (schema: string): string =>
  `hashtextextended(${quoteText(`mdp.writers.${schema}`)}, 0)`;

/** Throws `locked`, retriable, while rows are being replaced. */
export async function lockAsWriter(session: Session, schema: string, signal: AbortSignal) {
  const { rows } = await session.query(
    `select pg_try_advisory_lock_shared(${writersLock(schema)}) as locked`,
    [],
    signal,
  );
  if (rows[0]?.['locked'] !== true) {
    throw new MdpError('locked', `rows of schema ${schema} are being replaced`, { retry: true });
  }
}

/** Throws `locked` where another session writes. */
export async function lockAlone(session: Session, schema: string, signal: AbortSignal) {
  const { rows } = await session.query(
    `select pg_try_advisory_lock(${writersLock(schema)}) as locked`,
    [],
    signal,
  );
  if (rows[0]?.['locked'] !== true) throw writerRuns(`schema ${schema}`);
}

const within = (time: string): string =>
  `where instrument_id = any($1::int[])
   and ${time} >= $2::text::timestamptz and ${time} < $3::text::timestamptz`;

/** Removes what `cut` names in one transaction; gives the next epoch of its bars. */
export async function clearCut(
  session: Session,
  schema: string,
  cut: Cut,
  signal: AbortSignal,
): Promise<number> {
  const run = (text: string, parameters: readonly string[] = []) =>
    session.query(text, parameters, signal, CLEAR_DEADLINE_MS);
  const name = quoteName(schema);
  await run('begin; set local statement_timeout = 0');
  try {
    const { rows: found } = await run(
      `select i.instrument_id from ${name}.instrument i
       join unnest($1::text[], $2::text[]) as t(venue, symbol) using (venue, symbol)`,
      [
        textArray(cut.instruments.map(({ venue }) => venue)),
        textArray(cut.instruments.map(({ symbol }) => symbol)),
      ],
    );
    const ids = plainArray(found.map((row) => Number(row['instrument_id'])));
    const bounds = [ids, formatTime(cut.from), formatTime(cut.to)];
    const stored = await run(`select distinct timeframe from ${name}.bar ${within('ts')}`, bounds);
    const timeframes = stored.rows.map((row) => Number(row['timeframe']));
    const unknown = unknownTimeframes(timeframes, cut.timeframes);
    if (unknown !== undefined) throw unknown;
    const { rows } = await run(
      `select coalesce(max(epoch), 0) + 1 as next from ${name}.bar
       where instrument_id = any($1::int[])`,
      [ids],
    );
    for (const table of cut.tables) {
      const time = table === 'gap' ? 'from_ts' : 'ts';
      await run(`delete from ${name}.${table} ${within(time)}`, bounds);
    }
    await run('commit');
    return Number(rows[0]?.['next']);
  } catch (error) {
    if (!session.over) await run('rollback');
    throw error;
  }
}
