import { MdpError } from '../../runtime/errors.ts';
import { PackedRows, type InstrumentRow, type TickRows } from '../packed-rows.ts';
import type { Committed, CommitWatch } from '../sink.ts';
import { attempt } from './attempt.ts';
import type { BinaryRows } from './binary-rows.ts';
import { faultOf } from './failure.ts';
import type { Generation } from './generation.ts';
import { writeHalving } from './halving.ts';
import { quoteName } from './migrations.ts';
import type { Session } from './session.ts';
import type { TickTable } from './ticks.ts';

/** Of the last 20 batches, how many may be refused before the slow path is taken without asking. */
const rememberedBatches = 20;
const refusalsTolerated = 1;
const slowBatches = 1_000;

/**
 * Partitions that one statement may touch: each takes locks, of which the server has a limited
 * number.
 */
const maxPartitionsPerStatement = 100;

export type TickPath = 'fast' | 'slow';

/**
 * Writes trades or quotes. The fast path is a binary COPY straight into the table. When the server
 * refuses it, mostly because a row is already there, the same rows go through a temporary table and
 * `insert … on conflict do nothing`, which says how many were new. A worker that is refused often
 * (after a recovery, beside a twin, in a replay) stays there for a while.
 */
export class TickWriter<Row extends InstrumentRow> {
  readonly #table: TickTable<Row>;
  readonly #out: BinaryRows;
  readonly #statements: Statements;
  readonly #refusals: boolean[] = [];
  #slowLeft = 0;
  #watch: CommitWatch | undefined;

  constructor(table: TickTable<Row>, schema: string, out: BinaryRows) {
    this.#table = table;
    this.#out = out;
    this.#statements = statementsOf(table, schema);
  }

  /** Which way the next batch goes first. */
  get path(): TickPath {
    return this.#slowLeft > 0 ? 'slow' : 'fast';
  }

  async commit(
    given: TickRows<Row>,
    generation: Generation,
    signal: AbortSignal,
    watch?: CommitWatch,
  ): Promise<Committed> {
    this.#watch = watch;
    const rows = PackedRows.of(this.#table.layout, given);
    await generation.instruments.learnPacked(rows, signal);
    if (this.#slowLeft > 0) {
      this.#slowLeft -= 1;
    } else if (this.#fits(rows)) {
      const taken = await this.#fast(rows, generation, signal);
      this.#remember(!taken);
      if (taken) return { committed: rows.length, alreadyThere: 0, dead: [] };
    }
    return writeHalving(rows, (run) => this.#slow(run, generation, signal));
  }

  /** False when the server refused the rows for a reason that the slow path can deal with. */
  async #fast(
    rows: PackedRows<Row>,
    generation: Generation,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await this.#attempt(rows, generation, signal, () =>
        this.#copy(this.#statements.copy, rows, generation, signal),
      );
      return true;
    } catch (error) {
      if (faultOf(error) === 'held') throw error;
      return false;
    }
  }

  async #slow(rows: PackedRows<Row>, generation: Generation, signal: AbortSignal): Promise<number> {
    if (!this.#fits(rows)) throw tooManyPartitions();
    return this.#attempt(rows, generation, signal, () => this.#stage(rows, generation, signal));
  }

  async #stage(
    rows: PackedRows<Row>,
    generation: Generation,
    signal: AbortSignal,
  ): Promise<number> {
    const { session, stages, storage } = generation;
    const { makeStage, emptyStage, copyStage, moveStage } = this.#statements;
    if (!stages.has(this.#table.table)) {
      await session.query(makeStage, [], signal);
      stages.add(this.#table.table);
    }
    await session.query(emptyStage, [], signal);
    await this.#copy(copyStage, rows, generation, signal);
    const { count } = await session.query(moveStage, [], signal);
    if (storage === 'timescaledb' && count < rows.length) {
      return count + (await this.#moveRest(session, signal));
    }
    return count;
  }

  /**
   * TimescaleDB 2.17.2 stopped at the first conflict with a compressed chunk and reported success
   * (timescale/timescaledb#7672): what the first statement left is moved again, until nothing is
   * missing.
   */
  async #moveRest(session: Session, signal: AbortSignal): Promise<number> {
    const { countMissing, moveMissing } = this.#statements;
    const missing = async (): Promise<number> => {
      const { rows } = await session.query(countMissing, [], signal);
      return Number(rows[0]?.['missing']);
    };
    if ((await missing()) === 0) return 0;
    const { count } = await session.query(moveMissing, [], signal);
    if ((await missing()) === 0) return count;
    throw new MdpError('database_refused', 'TimescaleDB left out rows that are not there', {
      retry: true,
      hint: 'update TimescaleDB; see timescale/timescaledb#7672',
      context: { table: this.#table.table },
    });
  }

  async #copy(
    statement: string,
    rows: PackedRows<Row>,
    { session, instruments }: Generation,
    signal: AbortSignal,
  ): Promise<void> {
    this.#watch?.encoding();
    this.#out.begin();
    this.#table.encode(this.#out, rows, instruments);
    const payload = this.#out.end();
    this.#watch?.encoded();
    await session.copy(statement, payload, signal);
  }

  #attempt<T>(
    rows: PackedRows<Row>,
    { partitions }: Generation,
    signal: AbortSignal,
    write: () => Promise<T>,
  ): Promise<T> {
    const timed = { table: this.#table.table, times: () => rows.days() };
    return attempt(write, partitions, timed, signal);
  }

  #fits(rows: PackedRows<Row>): boolean {
    return (
      rows.length <= maxPartitionsPerStatement || rows.days().length <= maxPartitionsPerStatement
    );
  }

  #remember(refused: boolean): void {
    this.#refusals.push(refused);
    if (this.#refusals.length > rememberedBatches) this.#refusals.shift();
    if (this.#refusals.filter(Boolean).length <= refusalsTolerated) return;
    this.#slowLeft = slowBatches;
    this.#refusals.length = 0;
  }
}

/** As a server would say it that has a limit for this; the rows are then halved. */
function tooManyPartitions(): MdpError {
  return new MdpError('database_refused', 'the rows lie in too many partitions', {
    retry: true,
    context: { sqlstate: '53400' },
  });
}

type Statements = {
  readonly copy: string;
  readonly makeStage: string;
  readonly emptyStage: string;
  readonly copyStage: string;
  readonly moveStage: string;
  readonly countMissing: string;
  readonly moveMissing: string;
};

function statementsOf(
  { table, columns, key }: Pick<TickTable<InstrumentRow>, 'table' | 'columns' | 'key'>,
  schema: string,
): Statements {
  const target = `${quoteName(schema)}.${table}`;
  const stage = `pg_temp.mdp_stage_${table}`;
  const list = columns.join(', ');
  const missing = `from ${stage} s where not exists (select from ${target} t where ${key
    .split(', ')
    .map((column) => `t.${column} = s.${column}`)
    .join(' and ')})`;
  return {
    copy: `copy ${target} (${list}) from stdin (format binary)`,
    makeStage: `create temp table if not exists mdp_stage_${table}
      (like ${target} including defaults)`,
    emptyStage: `truncate ${stage}`,
    copyStage: `copy ${stage} (${list}) from stdin (format binary)`,
    moveStage: `insert into ${target} (${list}) select ${list} from ${stage} order by ${key}
      on conflict do nothing`,
    countMissing: `select count(*)::int as missing ${missing}`,
    moveMissing: `insert into ${target} (${list}) select ${list} ${missing} order by ${key}
      on conflict do nothing`,
  };
}
