import type { Clock } from '../../src/runtime/clock.ts';
import { MdpError } from '../../src/runtime/errors.ts';
import { pause } from '../../src/runtime/waiting.ts';
import type { Recounted, RecountScope } from '../../src/sinks/gap-recount.ts';
import type {
  Batch,
  Committed,
  LedgerRecord,
  RejectedRow,
  Sink,
  SinkWorker,
} from '../../src/sinks/sink.ts';
import type { FaultCount } from './faults.ts';
import type { Chance } from './random.ts';
import { Tables, type Row } from './tables.ts';

/** How the database misbehaves. Probabilities are per commit; times in ms; a mean of 0 = never. */
export type DatabasePlan = {
  readonly latencyMs: readonly [least: number, most: number];
  readonly slow: number;
  readonly answerLost: number;
  readonly halfCommitted: number;
  /** Mean time between absences. */
  readonly away: number;
  /** Mean time between times in which it is there and takes nothing. */
  readonly refuses: number;
  /** One trade or quote in so many is refused, always the same ones; 0 = none. */
  readonly refusesOneIn: number;
};

export type DatabaseParts = {
  readonly plan: DatabasePlan;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: FaultCount;
};

const SLOW_MS = [200, 4000] as const;
const AWAY_MS = [500, 20_000] as const;
const REFUSES_MS = [500, 10_000] as const;
/** How long a client of a database that is away waits before it knows. */
const NOTICED_MS = [1, 3000] as const;

/**
 * A simulated database behind the sink contract: its tables are what survives, whatever the answers
 * said.
 */
export class SimulatedDatabase implements Sink {
  readonly name = 'postgres';
  readonly maxWorkers = 8;
  readonly tables = new Tables();
  openWorkers = 0;
  readonly #parts: DatabaseParts;
  /** The newest of each writer. */
  readonly ledgers = new Map<string, LedgerRecord>();
  #away = false;
  #refusal: 'database_full' | 'database_read_only' | undefined;
  #calm = false;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    this.#leaveSometimes();
    this.#refuseSometimes();
  }

  async open(signal: AbortSignal): Promise<SinkWorker> {
    await this.#wait(this.#parts.plan.latencyMs, signal);
    if (this.#away) await this.#notThere(signal);
    this.openWorkers += 1;
    return {
      commit: (batch, abort) => this.#commit(batch, abort),
      record: (ledger, abort) => this.#record(ledger, abort),
      forget: () => Promise.resolve(0),
      close: () => {
        this.openWorkers -= 1;
        return Promise.resolve();
      },
    };
  }

  clear(): Promise<number> {
    return Promise.reject(new MdpError('invariant', 'nothing is replaced here'));
  }

  /** Draws nothing by chance: a seed's history is the same with and without it. */
  recountGaps(scope: RecountScope): Promise<Recounted> {
    return Promise.try(() => {
      if (this.#away) throw lostConnection();
      return this.tables.recountGaps(scope);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** From now on nothing more goes wrong. */
  calm(): void {
    this.#calm = true;
    this.#away = false;
    this.#refusal = undefined;
  }

  /**
   * Whether the database refuses this row: a matter of the row alone, so that every try ends alike.
   */
  refuses(row: Row): boolean {
    const { refusesOneIn } = this.#parts.plan;
    if (refusesOneIn === 0 || (row.kind !== 'trade' && row.kind !== 'quote')) return false;
    return Number(BigInt(row.id) % BigInt(refusesOneIn)) === 0;
  }

  async #commit(batch: Batch, signal: AbortSignal): Promise<Committed> {
    const { plan, faults } = this.#parts;
    await this.#wait(plan.latencyMs, signal);
    if (this.#strikes(plan.slow)) {
      faults.fired('database_slow');
      await this.#wait(SLOW_MS, signal);
    }
    if (this.#away) await this.#notThere(signal);
    if (this.#refusal !== undefined) throw refused(this.#refusal);
    if (batch.rows.length > 1 && this.#strikes(plan.halfCommitted)) {
      faults.fired('database_half_committed');
      const half = this.#parts.chance.integer(1, batch.rows.length - 1);
      for (const row of batch.rows.slice(0, half)) if (!this.refuses(row)) this.tables.write(row);
      throw lostConnection();
    }
    const outcome = this.#write(batch);
    if (this.#strikes(plan.answerLost)) {
      faults.fired('database_answer_lost');
      await this.#wait(NOTICED_MS, signal);
      throw lostConnection();
    }
    return outcome;
  }

  async #record(ledger: LedgerRecord, signal: AbortSignal): Promise<void> {
    await this.#wait(this.#parts.plan.latencyMs, signal);
    if (this.#away) await this.#notThere(signal);
    if (this.#refusal !== undefined) throw refused(this.#refusal);
    const stored = this.ledgers.get(ledger.writer);
    if (stored === undefined || stored.at <= ledger.at) this.ledgers.set(ledger.writer, ledger);
  }

  #write(batch: Batch): Committed {
    const dead: RejectedRow[] = [];
    let committed = 0;
    let index = 0;
    for (const row of batch.rows) {
      if (this.refuses(row)) dead.push({ index, reason: 'out_of_range', sqlstate: '22003' });
      else if (this.tables.write(row)) committed += 1;
      index += 1;
    }
    for (const _ of dead) this.#parts.faults.fired('database_row_refused');
    return { committed, alreadyThere: batch.rows.length - committed - dead.length, dead };
  }

  #strikes(probability: number): boolean {
    return !this.#calm && probability > 0 && this.#parts.chance.happens(probability);
  }

  async #notThere(signal: AbortSignal): Promise<never> {
    await this.#wait(NOTICED_MS, signal);
    throw lostConnection();
  }

  async #wait(range: readonly [number, number], signal: AbortSignal): Promise<void> {
    await pause(this.#parts.clock, this.#parts.chance.between(...range), signal);
    if (signal.aborted) throw new MdpError('aborted', 'the simulated commit was aborted');
  }

  #leaveSometimes(): void {
    const { plan, clock, chance, faults } = this.#parts;
    if (plan.away === 0) return;
    clock.after(chance.waitFor(plan.away), () => {
      if (this.#calm) return;
      faults.fired('database_away');
      this.#away = true;
      clock.after(chance.between(...AWAY_MS), () => {
        this.#away = false;
        this.#leaveSometimes();
      });
    });
  }

  #refuseSometimes(): void {
    const { plan, clock, chance, faults } = this.#parts;
    if (plan.refuses === 0) return;
    clock.after(chance.waitFor(plan.refuses), () => {
      if (this.#calm) return;
      this.#refusal = chance.pick(['database_full', 'database_read_only']);
      faults.fired(this.#refusal);
      clock.after(chance.between(...REFUSES_MS), () => {
        this.#refusal = undefined;
        this.#refuseSometimes();
      });
    });
  }
}

const refused = (why: 'database_full' | 'database_read_only'): MdpError =>
  new MdpError(why === 'database_full' ? 'disk' : 'database_refused', 'it takes nothing', {
    retry: true,
    context: { sqlstate: why === 'database_full' ? '53100' : '25006' },
  });

const lostConnection = (): MdpError =>
  new MdpError('database_away', 'the simulated database does not answer', { retry: true });
