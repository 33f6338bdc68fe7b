import type { LedgerRecord, Sink, SinkWorker } from '../sinks/sink.ts';
import type { Cut } from '../sinks/cut.ts';
import type { Recounted, RecountScope } from '../sinks/gap-recount.ts';

/**
 * A sink that may be replaced while its workers commit: by one with another address or password.
 * Each worker moves over before its next commit; one that is under way ends where it began, and a
 * batch that fails there is committed again here, which is safe. The sink that nobody uses any more
 * is closed.
 */
export class RenewableSink implements Sink {
  #current: Sink;
  readonly #users = new Map<Sink, number>();

  constructor(sink: Sink) {
    this.#current = sink;
  }

  get name(): Sink['name'] {
    return this.#current.name;
  }

  get maxWorkers(): number {
    return this.#current.maxWorkers;
  }

  /** From now on it is this one. */
  renew(sink: Sink): void {
    this.#current = sink;
  }

  async open(signal: AbortSignal): Promise<SinkWorker> {
    let { sink, worker } = await this.#openWorker(signal);
    const current = async (abort: AbortSignal): Promise<SinkWorker> => {
      if (sink === this.#current) return worker;
      const former = { sink, worker };
      ({ sink, worker } = await this.#openWorker(abort));
      await this.#closeWorker(former.sink, former.worker);
      return worker;
    };
    return {
      commit: async (batch, abort, watch) => (await current(abort)).commit(batch, abort, watch),
      forget: async (letters, abort) => (await current(abort)).forget(letters, abort),
      record: async (ledger: LedgerRecord, abort: AbortSignal): Promise<void> =>
        (await current(abort)).record(ledger, abort),
      close: () => this.#closeWorker(sink, worker),
    };
  }

  clear(cut: Cut, signal: AbortSignal): Promise<number> {
    return this.#current.clear(cut, signal);
  }

  recountGaps(scope: RecountScope, signal: AbortSignal): Promise<Recounted> {
    return this.#current.recountGaps(scope, signal);
  }

  close(): Promise<void> {
    return this.#current.close();
  }

  async #openWorker(signal: AbortSignal): Promise<{ sink: Sink; worker: SinkWorker }> {
    const sink = this.#current;
    const worker = await sink.open(signal);
    this.#users.set(sink, (this.#users.get(sink) ?? 0) + 1);
    return { sink, worker };
  }

  async #closeWorker(sink: Sink, worker: SinkWorker): Promise<void> {
    await worker.close();
    const left = (this.#users.get(sink) ?? 1) - 1;
    if (left > 0) {
      this.#users.set(sink, left);
      return;
    }
    this.#users.delete(sink);
    if (sink !== this.#current) await sink.close();
  }
}
