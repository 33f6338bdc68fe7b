import type { Gap } from '../market/gap.ts';
import type { Journal } from '../journal/journal.ts';
import type { Mark, Position, RecordBuffer } from '../journal/record-buffer.ts';
import { Instruments } from '../market/instrument.ts';
import { receiveTime } from '../market/time.ts';
import { createOperators } from '../operators/operators.ts';
import type { OperatorsSettings } from '../operators/operator.ts';
import type { Breaker } from '../runtime/breaker.ts';
import { MdpError } from '../runtime/errors.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { SpanCounts } from '../runtime/spans.ts';
import { aborted, firstFailure } from '../runtime/waiting.ts';
import type { Table } from '../sinks/sink.ts';
import type { Intake, Source } from '../sources/source.ts';
import { type BatchOrigin, BatchTraces } from './batch-trace.ts';
import { Batcher, type OpenedBatch, type QueuedBatch } from './batcher.ts';
import { Checkpointer } from './checkpointer.ts';
import { ConfigurationState } from './configuration-state.ts';
import { gapsOfDroppedBatch } from './dropped-batch.ts';
import { GapRecounts } from './gap-recounts.ts';
import type { JournalPart } from './journal-part.ts';
import { Ledger, type FrameCounts } from './ledger.ts';
import { LedgerRecords } from './ledger-record.ts';
import { MemoryBudget } from './memory.ts';
import { createPacing } from './pacing.ts';
import { PendingDrops } from './pending-drops.ts';
import type { Outcome, PipelineParts } from './pipeline-parts.ts';
import { Reader } from './reader.ts';
import { RecordQueue } from './record-queue.ts';
import { Rows } from './rows.ts';
import { Settlement } from './settlement.ts';
import { createSinkBreaker } from './sink-breaker.ts';
import { SinkQueue } from './sink-queue.ts';
import { SinkStats } from './sink-stats.ts';
import { runSinkWorker } from './sink-worker.ts';
import { createSourceIntake } from './source-intake.ts';
import { SourceSet, type SourceChanges, type SourcePart } from './source-set.ts';

/** How long a disk that does not answer may hold up the end. */
const RELEASE_MS = 2000;

type State = 'starting' | 'running' | 'draining' | 'stopped';

/**
 * The pipeline: builds the stations, wires them, and is the only place with policy. A frame moves
 * source -> record queue -> reader (decode, operators) -> batcher -> sink queue -> sink workers ->
 * database, and never back. It promises that the ledger accounts for every frame and row, and that
 * stopping drains in that order. It knows no venue and no database.
 */
export class Pipeline {
  readonly ledger = new Ledger();
  readonly pendingDrops = new PendingDrops();
  readonly sinkStats: SinkStats;
  readonly breaker: Breaker;
  readonly memory: MemoryBudget;
  readonly buffer: RecordBuffer;
  readonly settlement: Settlement;
  readonly checkpointer: Checkpointer | undefined;
  readonly sinkQueue: SinkQueue;
  readonly batcher: Batcher;
  readonly rows: Rows;
  readonly sourceSet: SourceSet;
  readonly configuration: ConfigurationState;
  readonly sinkName: string;
  readonly operators: ReturnType<typeof createOperators>;
  readonly startedAt: number;
  /** Records before this position are of earlier runs; up to `recoveredTo` they are read. */
  readonly #liveFrom: Position;
  recoveredTo: Position;
  /** Said so, or there was nothing of an earlier run. */
  #isRecovered: boolean;
  /** Our clock, µs, when data was last given up; undefined = never. */
  lastLossAt: number | undefined;
  state: State = 'starting';

  readonly #parts: PipelineParts;
  readonly #reader: Reader;
  readonly #limited: RateLimitedLog;
  readonly #records: LedgerRecords;
  readonly #recounts: GapRecounts;
  readonly #traces: BatchTraces | undefined;
  readonly #drain = new AbortController();
  readonly #giveUp = new AbortController();

  constructor(parts: PipelineParts) {
    const { settings, clock, log } = parts;
    this.#parts = parts;
    this.startedAt = clock.now();
    this.configuration = new ConfigurationState(this.startedAt);
    this.sinkName = parts.sink.name;
    this.#limited = new RateLimitedLog(log, clock);
    const isRead = parts.sources.some((source) => source.rereadable);
    const isLive = !isRead && parts.recording === undefined;
    this.sinkStats = new SinkStats(isLive);
    this.breaker = createSinkBreaker({ ...parts, log: this.#limited });
    this.memory = parts.journal?.memory ?? new MemoryBudget(settings.maxMemoryBytes);
    parts.journal?.drops.listen((source, count) => this.framesLost(source, count));
    this.settlement = new Settlement(this.ledger);
    this.#records = new LedgerRecords({
      ledger: this.ledger,
      writer: this.#writer,
      now: () => clock.now(),
      log: this.#limited,
    });
    this.#liveFrom = liveFrom(parts);
    this.recoveredTo = parts.journal?.journal.taken.position ?? 0;
    this.buffer =
      parts.journal?.journal ?? parts.recording?.read(this.memory) ?? this.#createRecordQueue();
    this.#traces = tracesOf(parts);
    this.sinkQueue = this.#createSinkQueue();
    this.batcher = this.#createBatcher();
    const instruments = new Instruments();
    this.sourceSet = new SourceSet(parts.sources, {
      shard: settings.shard,
      intake: (part) => this.#intake(part),
      venueOf: parts.venueOf,
      heard: parts.journal?.found?.venues ?? parts.recording?.venues ?? {},
      formerVenue: parts.recording?.venue,
      onThrough: () => this.stop(),
    });
    this.rows = new Rows({
      batcher: this.batcher,
      ledger: this.ledger,
      store: settings.store,
      span: settings.span,
      stats: (name) => this.sourceSet.stats.get(name),
      log: this.#limited,
    });
    this.operators = createOperators(this.#operatorsSettings(instruments), this.rows);
    this.#reader = this.#createReader(instruments);
    const { batcher, settlement } = this;
    const recounts = { isLive, instruments, batcher, settlement, signal: this.#drain.signal };
    this.#recounts = new GapRecounts({ ...parts, ...recounts, log: this.#limited });
    this.checkpointer = this.#createCheckpointer();
    this.#restore(parts.journal);
    this.#isRecovered = !this.recovering;
  }

  /** What became of spans; undefined where nobody traces. */
  get spanCounts(): Readonly<SpanCounts> | undefined {
    return this.#parts.tracer?.counts;
  }

  get journal(): Journal | undefined {
    return this.#parts.journal?.journal;
  }

  /** The counters of a checkpoint go on under the name that they were begun with. */
  get #writer(): string {
    return this.#parts.journal?.found?.writer ?? String(this.#parts.start);
  }

  /** Records of an earlier run are still being read. */
  get recovering(): boolean {
    return this.recoveredTo < this.#liveFrom && this.waitingFrames() > 0;
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
    const failed = firstFailure([readers.then(() => this.stop()), ...workers]);
    this.sourceSet.start();
    this.state = 'running';
    await Promise.race([aborted(this.#drain.signal), failed]);
    this.state = 'draining';
    const deadline = clock.after(settings.drainMs, () => this.#giveUp.abort());
    try {
      await Promise.race([this.#drainAll(readers, workers), failed]);
      deadline.cancel();
      await this.#recounts.end(this.#giveUp.signal);
    } finally {
      deadline.cancel();
      this.#giveUp.abort();
    }
    await sink.close();
    await this.#releaseJournal();
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
    return this.buffer.frames() + this.#reader.unread();
  }

  /** The ledger's frames as they are now: what was given up counts before its record is read. */
  frameCounts(): FrameCounts {
    const { frames } = this.ledger;
    return { ...frames, dropped: frames.dropped + this.pendingDrops.total };
  }

  /** Rows of a table in open, queued and committing batches, counted where they are. */
  waitingRows(table: OpenedBatch['batch']['table']): number {
    return (
      this.batcher.open(table) + this.sinkQueue.rows(table) + this.sinkStats.rowsCommitting(table)
    );
  }

  async #drainAll(reader: Promise<void>, workers: readonly Promise<void>[]): Promise<void> {
    await this.sourceSet.stop();
    await this.#recounts.finished();
    this.#reader.hurry();
    this.buffer.close();
    await reader;
    if (!this.#giveUp.signal.aborted) {
      await this.checkpointer?.last(this.#reader.mark);
      this.operators.drain(this.#reader.lastReceive);
    }
    this.sinkQueue.close();
    this.batcher.flush();
    await Promise.all(workers);
    await this.checkpointer?.finished();
  }

  /** What was received is kept, as far as the disk takes it. */
  async #releaseJournal(): Promise<void> {
    const { journal, clock } = this.#parts;
    const patience = new AbortController();
    const deadline = clock.after(RELEASE_MS, () => patience.abort());
    await journal?.journal.release(patience.signal);
    deadline.cancel();
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
    const { sinkQueue: queue, batcher, settlement, memory, sinkStats: stats, breaker } = this;
    const onSettled = (table: Table): void => {
      queue.settled();
      this.buffer.memoryFreed();
      if (table === 'gap') this.#recounts.told();
    };
    return {
      sink,
      queue,
      batcher,
      settlement,
      records: this.#records,
      memory,
      stats,
      breaker,
      clock,
      random,
      log: this.#limited,
      beforeCommit: () => this.#parts.journal?.journal.writeOut(),
      onSettled,
    };
  }

  #createRecordQueue(): RecordQueue {
    const { settings } = this.#parts;
    return new RecordQueue({
      maxBlocks: settings.opQueueMax,
      policy: settings.dropPolicy,
      memory: this.memory,
      start: this.#parts.start,
      onDrop: (source, count) => this.framesLost(source, count),
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
      onBytes: (bytes) => this.memory.addBatches(bytes),
      cut: (opened) => this.sinkQueue.push(this.#queued(opened)),
      origin: this.#traces && (() => this.#origin()),
    });
  }

  #createReader(instruments: Instruments): Reader {
    const { settings, clock } = this.#parts;
    return new Reader({
      buffer: this.buffer,
      liveFrom: this.#liveFrom,
      source: (name, former) =>
        former ? this.sourceSet.readFormer(name) : this.sourceSet.read(name),
      sources: () => Object.keys(this.sourceSet.heardVenues()),
      instruments,
      operators: this.operators,
      rows: this.rows,
      ledger: this.ledger,
      pacing: createPacing(settings.maxMsgsPerSec, settings.burst, () => clock.now()),
      clock,
      room: () => this.#waitForRoom(),
      onStarted: (name, venue) => this.sourceSet.heard(name, venue),
      onDropped: (count, own, isPending) => {
        const reason = own ?? `queue_${settings.dropPolicy}`;
        if (isPending) this.pendingDrops.read(reason, count);
        this.ledger.frameDropped(reason, count);
      },
      onBlock: (mark) => this.#blockRead(mark),
      onEnded: (name) => this.sourceSet.ended(name),
    });
  }

  #intake(part: SourcePart): Intake {
    const { ledger, buffer } = this;
    const policy = this.#parts.settings.dropPolicy;
    return createSourceIntake({
      source: part.name,
      venue: part.venue.id,
      rereadable: part.rereadable,
      policy,
      queue: buffer,
      ledger,
      onDrop: (reason) => {
        this.pendingDrops.given(reason, 1);
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
    return this.sinkQueue.emptied(this.#giveUp.signal);
  }

  /** A batch enters the sink: between which checkpoints, and what its settling lets go. */
  #queued(opened: OpenedBatch): QueuedBatch {
    const held = opened.batch.table === 'gap' ? this.settlement.takeHeld() : [];
    const trace = this.#traces?.begin(opened, this.#reader.takenAt);
    return { ...opened, epoch: this.settlement.opened(), held, trace };
  }

  /** Receive times of a replay say nothing of this run: there a batch begins when it is read. */
  #origin(): BatchOrigin {
    const { takenAt, lastReceive } = this.#reader;
    return { takenAt, receivedAt: this.sinkStats.live ? lastReceive : takenAt };
  }

  #dropBatch({ batch, epoch, trace }: QueuedBatch): void {
    const reason = `sink_${this.#parts.settings.backpressurePolicy}`;
    trace?.dropped(reason);
    this.memory.addBatches(-batch.bytes);
    this.settlement.count(epoch, batch.table, 'dropped', batch.rows.length);
    this.settlement.reason(epoch, reason, batch.rows.length);
    this.settlement.dropped(epoch);
    const gaps: readonly Gap[] = gapsOfDroppedBatch(batch, receiveTime(this.#parts.clock.now()));
    for (const gap of gaps) this.rows.gapOfDrop(gap, this.#sourceOf(gap.instrument.venue));
    this.#lost(`batch ${batch.table}`, 'A batch was dropped: the sink queue is full', {
      table: batch.table,
      rows: batch.rows.length,
    });
    this.batcher.release(batch);
  }

  /** Frames were given up at the bound of what waits in front of the operators. */
  framesLost(source: string, count: number): void {
    this.pendingDrops.given(`queue_${this.#parts.settings.dropPolicy}`, count);
    this.#lost(`frames ${source}`, 'Frames were dropped: what waits has reached its bound', {
      source,
    });
  }

  #blockRead(mark: Mark): void {
    this.recoveredTo = mark.position;
    this.#traces?.blockRead();
    this.checkpointer?.reached(mark);
    if (this.#isRecovered || this.recovering) return;
    this.#isRecovered = true;
    this.#parts.log.info('Recovered: everything the journal held is read');
    this.#recounts.recovered();
  }

  #createCheckpointer(): Checkpointer | undefined {
    const { journal, clock, log } = this.#parts;
    if (journal === undefined) return undefined;
    return new Checkpointer({
      store: journal.store,
      settlement: this.settlement,
      operators: this.operators,
      batcher: this.batcher,
      writer: this.#writer,
      venues: () => this.sourceSet.heardVenues(),
      onPublished: (counters) => {
        this.#records.offer(counters);
        this.sinkQueue.nudge();
      },
      clock,
      log,
      signal: this.#giveUp.signal,
    });
  }

  /** Goes on from the checkpoint that was found. */
  #restore(part: JournalPart | undefined): void {
    const found = part?.found;
    if (found === undefined) return;
    this.operators.load(found.operators);
    this.ledger.restore(found.counters);
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

const tracesOf = ({ tracer, clock, sink }: PipelineParts): BatchTraces | undefined =>
  tracer && new BatchTraces({ tracer, clock, database: sink.name });

/** Where the records of this run begin: of a recording, none is. */
const liveFrom = ({ journal, recording }: PipelineParts): Position => {
  if (recording !== undefined) return Number.MAX_SAFE_INTEGER;
  return journal?.journal.end.position ?? 0;
};
