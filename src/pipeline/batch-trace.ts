import type { BreakerState } from '../runtime/breaker.ts';
import type { Clock } from '../runtime/clock.ts';
import type { MdpError } from '../runtime/errors.ts';
import type { Span, SpanAttributes, Tracer } from '../runtime/spans.ts';
import type { CommitWatch, Committed } from '../sinks/sink.ts';
import type { OpenedBatch } from './batcher.ts';

/** Of the record that made a batch's first row; our clock, µs. */
export type BatchOrigin = {
  readonly receivedAt: number;
  /** When the reader took up its block. */
  readonly takenAt: number;
};

/** Of a batch that is tried for hours so many spans are kept: the first ones and the last. */
const MOST_SPANS = 64;

const DATABASES = { postgres: 'postgresql', sqlite: 'sqlite' } as const;

export type BatchTracesOptions = {
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly database: keyof typeof DATABASES;
};

/** Makes the trace of each batch that is cut, and knows whether the reader is amid a block. */
export class BatchTraces {
  readonly #options: BatchTracesOptions;
  /** When the last block was read whole, our clock, µs. */
  #readAt = 0;

  constructor(options: BatchTracesOptions) {
    this.#options = options;
  }

  blockRead(): void {
    this.#readAt = this.#options.clock.now();
  }

  /** A batch is cut. `takenAt`: when the reader took up its last block. */
  begin(opened: OpenedBatch, takenAt: number): BatchTrace | undefined {
    if (opened.origin === undefined) return undefined;
    const cutAt = this.#options.clock.now();
    const amid = takenAt > this.#readAt;
    const filledAt = amid ? cutAt : Math.max(this.#readAt, opened.openedAt);
    return new BatchTrace(this.#options, opened, opened.origin, filledAt, cutAt);
  }
}

/**
 * The trace of one batch, from its first record to its commit, made of times that are taken once a
 * block, batch or commit. Spans follow each other: waiting to be read, decode, operators, waiting
 * for rows, waiting for a worker, and then every attempt to commit with the pauses between. Decode
 * and operators take turns frame by frame: what lies before the first row is told as `decode`, what
 * lies between the first row and the last as `operators`.
 */
export class BatchTrace implements CommitWatch {
  readonly #options: BatchTracesOptions;
  readonly #opened: OpenedBatch;
  readonly #spans: Span[] = [];
  readonly #from: number;
  #last: number;
  #attempts = 0;
  #attempt: Attempt | undefined;
  #encodingAt: number | undefined;
  #left = 0;
  #isHeldBack = false;

  constructor(
    options: BatchTracesOptions,
    opened: OpenedBatch,
    origin: BatchOrigin,
    filledAt: number,
    cutAt: number,
  ) {
    this.#options = options;
    this.#opened = opened;
    // What an earlier run received may bear a later time, where the machine's clock was set back.
    this.#from = Math.min(origin.receivedAt, origin.takenAt);
    this.#last = this.#from;
    this.#add('read wait', origin.takenAt);
    this.#add('decode', opened.openedAt);
    this.#add('operators', filledAt);
    this.#add('flush wait', cutAt);
  }

  /** A worker has taken it from the queue, and may not try at once while the breaker is open. */
  taken(at: number, breaker: BreakerState): void {
    this.#isHeldBack = breaker !== 'closed';
    this.#add('queue wait', at);
  }

  /** An attempt begins, of the rows or of the letters that the database made of them. */
  tries(at: number, name: 'commit' | 'dead letters' = 'commit'): void {
    if (this.#attempts > 0) this.#add('retry wait', at);
    else if (this.#isHeldBack) this.#add('breaker wait', at);
    this.#attempts += 1;
    this.#attempt = { name, from: at, encodes: [] };
  }

  encoding(): void {
    this.#encodingAt = this.#options.clock.now();
  }

  encoded(): void {
    const from = this.#encodingAt;
    if (from === undefined || this.#attempt === undefined) return;
    this.#encodingAt = undefined;
    if (this.#attempt.encodes.length >= MOST_SPANS) return;
    const to = this.#options.clock.now();
    this.#attempt.encodes.push({ name: 'encode', from, to, attributes: {}, children: [] });
  }

  succeeded(at: number): void {
    this.#endAttempt(at, {});
  }

  failed(at: number, { code, context }: MdpError): void {
    const { sqlstate } = context;
    const status = sqlstate === undefined ? {} : { 'db.response.status_code': sqlstate };
    this.#endAttempt(at, { 'error.type': code, ...status }, code);
  }

  /** Every row has its outcome: the end of the trace. */
  settled(at: number, { committed, alreadyThere, dead }: Committed): void {
    this.#end(at, {
      'mdp.rows.committed': committed,
      'mdp.rows.already_there': alreadyThere,
      'mdp.rows.dead_lettered': dead.length,
    });
  }

  /** It was given up by policy: the end of the trace. */
  dropped(reason: string): void {
    this.#end(this.#options.clock.now(), { 'error.type': reason }, reason);
  }

  #endAttempt(at: number, attributes: SpanAttributes, failure?: string): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    this.#encodingAt = undefined;
    this.#push({
      name: attempt.name,
      from: attempt.from,
      to: at,
      attributes: {
        ...this.#database(),
        'mdp.attempt': this.#attempts,
        ...attributes,
      },
      isCall: true,
      failure,
      children: attempt.encodes,
    });
  }

  #database(): SpanAttributes {
    const { table, rows } = this.#opened.batch;
    return {
      'db.system.name': DATABASES[this.#options.database],
      'db.collection.name': table,
      'db.operation.batch.size': rows.length,
    };
  }

  #end(at: number, attributes: SpanAttributes, failure?: string): void {
    const { table, rows, bytes } = this.#opened.batch;
    this.#options.tracer.trace({
      name: `batch ${table}`,
      from: this.#from,
      to: at,
      attributes: {
        'mdp.table': table,
        'mdp.rows': rows.length,
        'mdp.bytes': bytes,
        'mdp.attempts': this.#attempts,
        ...(this.#left === 0 ? {} : { 'mdp.spans_left_out': this.#left }),
        ...attributes,
      },
      failure,
      children: this.#spans,
    });
  }

  /** What lasted from the end of the last span until now. */
  #add(name: string, to: number): void {
    this.#push({ name, from: this.#last, to, attributes: {}, children: [] });
  }

  #push(span: Span): void {
    this.#last = span.to;
    if (this.#spans.length < MOST_SPANS) {
      this.#spans.push(span);
      return;
    }
    this.#spans[MOST_SPANS - 1] = span;
    this.#left += 1;
  }
}

type Attempt = {
  readonly name: string;
  readonly from: number;
  readonly encodes: Span[];
};
