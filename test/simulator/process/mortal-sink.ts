import type { Batch, Committed, Sink, SinkWorker } from '../../../src/sinks/sink.ts';
import type { Chance } from '../random.ts';
import type { Body } from './body.ts';
import type { Reaper } from './reaper.ts';

export type MortalSinkParts = {
  readonly sink: Sink;
  readonly body: Body;
  readonly reaper: Reaper;
  readonly chance: Chance;
};

/** Of what is under way when a process dies, so much is cut off with it; the rest is done. */
const CUT_OFF = 0.5;

/**
 * The database as one process has it, who may die before a commit, between the tables, or when it
 * is done and the answer under way. What it had begun may still be done afterwards.
 */
export class MortalSink implements Sink {
  readonly name: Sink['name'];
  readonly maxWorkers: number;
  readonly #parts: MortalSinkParts;
  readonly #cut = new AbortController();
  #last: Batch['table'] | undefined;

  constructor(parts: MortalSinkParts) {
    this.#parts = parts;
    this.name = parts.sink.name;
    this.maxWorkers = parts.sink.maxWorkers;
    void parts.body.death.then(() => this.#cut.abort());
  }

  async open(signal: AbortSignal): Promise<SinkWorker> {
    const { sink, body } = this.#parts;
    const worker = await body.hears(sink.open(this.#signal(signal)));
    return {
      commit: (batch, abort) => this.#commit(worker, batch, abort),
      record: (ledger, abort) => this.#asks(() => worker.record(ledger, this.#signal(abort))),
      forget: (letters, abort) => this.#asks(() => worker.forget(letters, abort)),
      close: () => this.#asks(() => worker.close()),
    };
  }

  clear(...asked: Parameters<Sink['clear']>): Promise<number> {
    return this.#asks(() => this.#parts.sink.clear(...asked));
  }

  recountGaps(...asked: Parameters<Sink['recountGaps']>): ReturnType<Sink['recountGaps']> {
    return this.#asks(() => this.#parts.sink.recountGaps(...asked));
  }

  close(): Promise<void> {
    return this.#asks(() => this.#parts.sink.close());
  }

  async #commit(worker: SinkWorker, batch: Batch, signal: AbortSignal): Promise<Committed> {
    const { reaper } = this.#parts;
    const { table } = batch;
    const isOther = this.#last !== undefined && this.#last !== table;
    const isBetween = isOther && (table === 'bar' || this.#last === 'bar');
    if (reaper.strikes('before_commit') || (isBetween && reaper.strikes('between_tables'))) {
      return await this.#asks(() => Promise.reject(new Error('nobody asks')));
    }
    const outcome = await this.#asks(() => worker.commit(batch, this.#signal(signal)));
    this.#last = table;
    reaper.strikes('after_commit');
    return await this.#asks(() => Promise.resolve(outcome));
  }

  #asks<T>(ask: () => Promise<T>): Promise<T> {
    const { body } = this.#parts;
    return body.isAlive ? body.hears(ask()) : new Promise(() => undefined);
  }

  #signal(signal: AbortSignal): AbortSignal {
    const isCutOff = this.#parts.chance.happens(CUT_OFF);
    return isCutOff ? AbortSignal.any([signal, this.#cut.signal]) : signal;
  }
}
