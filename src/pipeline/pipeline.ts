import type { Gap } from '../market/gap.ts';
import { Instruments } from '../market/instrument.ts';
import { receiveTime } from '../market/time.ts';
import { createOperators } from '../operators/operators.ts';
import type { OperatorsSettings } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import { Bell } from '../runtime/waiting.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Intake, Source } from '../sources/source.ts';
import { Batcher, type OpenedBatch } from './batcher.ts';
import { ConfigurationState } from './configuration-state.ts';
import { gapsOfDroppedBatch } from './dropped-batch.ts';
import { Ledger } from './ledger.ts';
import { MemoryBudget } from './memory.ts';
import { createPacing } from './pacing.ts';
import { Reader } from './reader.ts';
import { RecordQueue, type DropPolicy } from './record-queue.ts';
import { Rows, type Store } from './rows.ts';
import type { Shard } from './shard.ts';
import { SinkQueue, type BackpressurePolicy } from './sink-queue.ts';
import { SinkStats } from './sink-stats.ts';
import { runSinkWorker } from './sink-worker.ts';
import { createSourceIntake } from './source-intake.ts';
import { SourceSet, type SourceChanges, type SourcePart } from './source-set.ts';

/**
 * The pipeline: builds the stations, wires them, and is the only place with policy. A frame moves
 * source -> record queue -> reader (decode, operators) -> batcher -> sink queue -> sink workers ->
 * database, and never back. It promises that the ledger accounts for every frame and row, and that
 * stopping drains in that order. It knows no venue and no database.
 */
export type PipelineParts = {
  readonly settings: PipelineSettings;
  readonly sources: readonly SourcePart[];
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** 30 bits that tell the positions of this run, or of this input, from any other's. */
  readonly run: number;
};

export type PipelineSettings = {
  readonly batchSize: number;
  readonly flushMs: number;
  readonly maxBytes: number;
  readonly drainMs: number;
  readonly opQueueMax: number;
  readonly sinkQueueMax: number;
  readonly maxMemoryBytes: number;
  readonly dropPolicy: DropPolicy;
  readonly sinkWorkers: number;
  readonly backpressurePolicy: BackpressurePolicy;
  readonly maxMsgsPerSec: number;
  readonly burst: number;
  readonly store: Store;
  readonly shard: Shard;
  readonly operators: Pick<OperatorsSettings, 'validate' | 'bars' | 'epoch'>;
};

/** How a run ended: what was left behind, all 0 when everything is committed. */
export type Outcome = { readonly frames: number; readonly rows: number };

type State = 'starting' | 'running' | 'draining' | 'stopped';

export class Pipeline {
  readonly ledger = new Ledger();
  readonly sinkStats: SinkStats;
  readonly memory: MemoryBudget;
  readonly queue: RecordQueue;
  readonly sinkQueue: SinkQueue;
  readonly batcher: Batcher;
  readonly rows: Rows;
  readonly sourceSet: SourceSet;
  readonly configuration: ConfigurationState;
  readonly sinkName: string;
  readonly operators: ReturnType<typeof createOperators>;
  readonly startedAt: number;
  /** Our clock, µs, when data was last given up; undefined = never. */
  lastLossAt: number | undefined;
  state: State = 'starting';

  readonly #parts: PipelineParts;
  readonly #reader: Reader;
  readonly #limited: RateLimitedLog;
  readonly #room = new Bell();
  readonly #drain = new AbortController();
  readonly #giveUp = new AbortController();

  constructor(parts: PipelineParts) {
    const { settings, clock, log } = parts;
    this.#parts = parts;
    this.startedAt = clock.now();
    this.configuration = new ConfigurationState(this.startedAt);
    this.sinkName = parts.sink.name;
    this.#limited = new RateLimitedLog(log, clock);
    this.sinkStats = new SinkStats(parts.sources.every((source) => !source.rereadable));
    this.memory = new MemoryBudget(settings.maxMemoryBytes);
    this.queue = this.#createRecordQueue();
    this.sinkQueue = this.#createSinkQueue();
    this.batcher = this.#createBatcher();
    const instruments = new Instruments();
    this.sourceSet = new SourceSet(parts.sources, {
      shard: settings.shard,
      intake: (part) => this.#intake(part),
      onThrough: () => this.stop(),
    });
    this.rows = new Rows({
      batcher: this.batcher,
      ledger: this.ledger,
      store: settings.store,
      stats: (name) => this.sourceSet.stats.get(name),
      log: this.#limited,
    });
    this.operators = createOperators(this.#operatorsSettings(instruments), this.rows);
    this.#reader = this.#createReader(instruments);
  }

  /** Those of the present configuration. */
  get sources(): readonly Source[] {
    return this.sourceSet.present;
  }

  /**
   * Runs until `stop` is called or every source has ended, then drains. Resolves with what was left
   * behind. Throws when an invariant of ours broke.
   */
  async run(): Promise<Outcome> {
    const { clock, settings, sink } = this.#parts;
    const readers = this.#reader.run(this.#giveUp.signal);
    const workers = this.#startWorkers();
    const failed = firstFailure([readers, ...workers]);
    this.sourceSet.start();
    this.state = 'running';
    await Promise.race([aborted(this.#drain.signal), failed]);
    this.state = 'draining';
    const deadline = clock.after(settings.drainMs, () => this.#giveUp.abort());
    try {
      await Promise.race([this.#drainAll(readers, workers), failed]);
    } finally {
      deadline.cancel();
      this.#giveUp.abort();
    }
    await sink.close();
    this.state = 'stopped';
    return this.left();
  }

  /** As `SourceSet.replace`; while draining nothing is changed any more. */
  replaceSources(parts: readonly SourcePart[]): Promise<SourceChanges> {
    if (this.state !== 'running') return Promise.resolve({ added: [], removed: [], changed: [] });
    return this.sourceSet.replace(parts);
  }

  /** Begins the drain. Idempotent. */
  stop(): void {
    this.#drain.abort();
  }

  /** Stops waiting: what is not committed by now is left behind. */
  abandon(): void {
    this.#drain.abort();
    this.#giveUp.abort();
  }

  /** Frames received and rows decoded that have no outcome. */
  left(): Outcome {
    const rows = this.ledger.rows;
    const kinds = ['trade', 'quote', 'bar', 'gap', 'dead_letter'] as const;
    return {
      frames: this.ledger.unread(),
      rows: kinds.reduce(
        (sum, kind) => sum + (rows[kind].decoded > 0 ? this.ledger.inFlight(kind) : 0),
        0,
      ),
    };
  }

  /** Frames that wait in front of the operators, counted where they are. */
  waitingFrames(): number {
    return this.queue.frames() + this.#reader.unread();
  }

  /** Rows of a table in open, queued and committing batches, counted where they are. */
  waitingRows(table: OpenedBatch['batch']['table']): number {
    return (
      this.batcher.open(table) + this.sinkQueue.rows(table) + this.sinkStats.rowsCommitting(table)
    );
  }

  async #drainAll(reader: Promise<void>, workers: readonly Promise<void>[]): Promise<void> {
    await this.sourceSet.stop();
    this.#reader.hurry();
    this.queue.close();
    await reader;
    if (!this.#giveUp.signal.aborted) this.operators.drain(this.#reader.lastReceive);
    this.sinkQueue.close();
    this.batcher.flush();
    await Promise.all(workers);
  }

  #startWorkers(): readonly Promise<void>[] {
    const { sink, settings } = this.#parts;
    const count = Math.min(settings.sinkWorkers, sink.maxWorkers);
    return Array.from({ length: count }, () =>
      runSinkWorker(this.#workerParts(), this.#giveUp.signal),
    );
  }

  #workerParts(): Parameters<typeof runSinkWorker>[0] {
    const { sink, clock, random } = this.#parts;
    const { sinkQueue: queue, batcher, ledger, memory, sinkStats: stats } = this;
    const onSettled = (): void => {
      this.#room.ring();
      this.queue.memoryFreed();
    };
    return {
      sink,
      queue,
      batcher,
      ledger,
      memory,
      stats,
      clock,
      random,
      log: this.#limited,
      onSettled,
    };
  }

  #createRecordQueue(): RecordQueue {
    const { settings } = this.#parts;
    return new RecordQueue({
      maxBlocks: settings.opQueueMax,
      policy: settings.dropPolicy,
      memory: this.memory,
      onDrop: (source, count) => {
        this.ledger.frameDropped(`queue_${settings.dropPolicy}`, count);
        this.#lost(`frames ${source}`, 'Frames were dropped: the operator queue is full', {
          source,
        });
      },
    });
  }

  #createSinkQueue(): SinkQueue {
    const { settings } = this.#parts;
    return new SinkQueue({
      maxBatches: settings.sinkQueueMax,
      policy: settings.backpressurePolicy,
      memoryFull: () => this.memory.sinkFull,
      onDrop: (opened) => this.#dropBatch(opened),
    });
  }

  #createBatcher(): Batcher {
    const { settings, clock } = this.#parts;
    return new Batcher({
      maxRows: settings.batchSize,
      maxBytes: this.memory.share(settings.maxBytes),
      flushMs: settings.flushMs,
      clock,
      idle: () => this.sinkStats.idle > 0,
      onRow: (bytes) => this.memory.addBatches(bytes),
      cut: (opened) => this.sinkQueue.push(opened),
    });
  }

  #createReader(instruments: Instruments): Reader {
    const { settings, clock, run } = this.#parts;
    return new Reader({
      queue: this.queue,
      source: (name) => this.sourceSet.read(name),
      instruments,
      operators: this.operators,
      rows: this.rows,
      ledger: this.ledger,
      pacing: createPacing(settings.maxMsgsPerSec, settings.burst, () => clock.now()),
      clock,
      run,
      room: () => this.#waitForRoom(),
      onEnded: (name) => this.sourceSet.ended(name),
    });
  }

  #intake(part: SourcePart): Intake {
    const { ledger, queue } = this;
    const policy = this.#parts.settings.dropPolicy;
    return createSourceIntake({
      source: part.name,
      rereadable: part.rereadable,
      policy,
      queue,
      ledger,
      onDrop: (reason) => {
        ledger.frameDropped(reason, 1);
        this.#lost(`${reason} ${part.name}`, `A frame was given up: ${reason}`, {
          source: part.name,
        });
      },
    });
  }

  #operatorsSettings(instruments: Instruments): OperatorsSettings {
    return {
      ...this.#parts.settings.operators,
      facts: (venue) => this.sourceSet.facts(venue),
      instrument: (venue, symbol) => {
        const instrument = instruments.intern(venue, symbol);
        if (instrument !== undefined) return instrument;
        throw new MdpError('instrument_limit', 'more instruments than this process holds');
      },
    };
  }

  /** The reader waits while the sink is at its bound: only then does waiting make room. */
  #waitForRoom(): Promise<void> | undefined {
    if (!this.sinkQueue.blocked || this.#giveUp.signal.aborted) return undefined;
    return this.#room.wait(this.#giveUp.signal);
  }

  #dropBatch(opened: OpenedBatch): void {
    const { batch } = opened;
    const reason = `sink_${this.#parts.settings.backpressurePolicy}`;
    this.memory.addBatches(-batch.bytes);
    this.ledger.rowsDropped(batch.table, reason, batch.rows.length);
    const gaps: readonly Gap[] = gapsOfDroppedBatch(batch, receiveTime(this.#parts.clock.now()));
    for (const gap of gaps) this.rows.gapOfDrop(gap, this.#sourceOf(gap.instrument.venue));
    this.#lost(`batch ${batch.table}`, 'A batch was dropped: the sink queue is full', {
      table: batch.table,
      rows: batch.rows.length,
    });
  }

  /** The name of a source of the venue: rows do not carry which one they came from. */
  #sourceOf(venue: string): string {
    return this.sources.find((source) => source.venue === venue)?.name ?? venue;
  }

  #lost(key: string, message: string, fields: Record<string, string | number>): void {
    this.lastLossAt = this.#parts.clock.now();
    this.#limited.say(key, 'error', message, fields);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Never resolves; rejects as soon as one of them does. */
const firstFailure = (running: readonly Promise<void>[]): Promise<never> =>
  new Promise((_resolve, reject) => {
    for (const promise of running) promise.catch(reject);
  });
