import type { Block, Mark, Position, RecordBuffer } from '../journal/record-buffer.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Instrument, Instruments } from '../market/instrument.ts';
import type { FrameRecord, MarketRecord, StateRecord } from '../market/record.ts';
import type { ReceiveTime } from '../market/time.ts';
import { receiveTime } from '../market/time.ts';
import type { MarketOperators } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import { pause, yieldTurn } from '../runtime/waiting.ts';
import type { DecodeContext, DecodeOutcome, Emit, Venue } from '../venues/venue.ts';
import type { Ledger } from './ledger.ts';
import type { Pacing } from './pacing.ts';
import type { Rows } from './rows.ts';
import type { SourceStats } from './source-stats.ts';

/** After so long without a pause, sockets and timers get their turn. */
const TURN_US = 8000;

/** What the reader knows of a source. */
export type ReadSource = {
  readonly name: string;
  readonly venue: Venue;
  readonly wanted: (instrument: Instrument) => boolean;
  readonly stats: SourceStats;
};

export type ReaderOptions = {
  readonly buffer: RecordBuffer;
  /** Records from here on are of this run; those before are read again after a crash. */
  readonly liveFrom: Position;
  /** The source of a record, of this run or of an earlier one. */
  readonly source: (name: string, former: boolean) => ReadSource | undefined;
  /** The names of all sources that were ever heard of. */
  readonly sources: () => readonly string[];
  readonly instruments: Instruments;
  readonly operators: MarketOperators;
  readonly rows: Rows;
  readonly ledger: Ledger;
  readonly pacing: Pacing;
  readonly clock: Clock;
  /** Resolves when the operators may go on: there is room behind them. undefined = at once. */
  readonly room: () => Promise<void> | undefined;
  /** A source of this or an earlier run began: its name and its venue. */
  readonly onStarted: (source: string, venue: string) => void;
  /** Frames were given up here, by policy. */
  readonly onDropped: (count: number, reason: string | undefined) => void;
  /** A block has been read: what came before `mark` is in the operators or in batches. */
  readonly onBlock: (mark: Mark) => void;
  /** A source of this run has said that it is through. */
  readonly onEnded: (source: string) => void;
};

/**
 * Takes blocks of records in order, decodes frames and drives the operators. The one place where a
 * frame becomes rows. Within a block it works synchronously; it waits only where there is no room
 * behind, no pacing token, or others need the thread.
 */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #pending: (Trade | Quote)[] = [];
  readonly #context: DecodeContext & { receiveTime: ReceiveTime; venue: string };
  readonly #emit: Emit;
  #block: Block | undefined;
  #next = 0;
  #frame: FrameRecord | undefined;
  #position: Position = 0;
  #row = 0;
  #mark: Mark;
  #lastReceive = receiveTime(0);
  #takenAt = 0;
  #hurried = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#mark = { position: options.liveFrom, frames: 0 };
    this.#context = {
      receiveTime: receiveTime(0),
      venue: '',
      instrument: (symbol) => this.#instrument(symbol),
      position: () => this.#position + this.#row++,
    };
    this.#emit = {
      trade: (trade) => this.#pending.push(trade),
      quote: (quote) => this.#pending.push(quote),
      reject: (kind, reason) => {
        if (this.#frame !== undefined) this.#options.rows.refusedRow(kind, reason, this.#frame);
      },
    };
  }

  /**
   * Reads until the queue is closed and empty, or `signal` is aborted. Throws only where an
   * invariant of ours broke.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { buffer, onBlock } = this.#options;
    while (!signal.aborted) {
      const block = buffer.take();
      if (block === undefined) {
        if (buffer.closed) return;
        await buffer.filled(signal);
        continue;
      }
      this.#block = block;
      this.#next = 0;
      this.#noteLost(block);
      await this.#read(block, signal);
      if (this.#next < block.records.length) return;
      this.#mark = block.end;
      onBlock(block.end);
    }
  }

  /** From now on pacing no longer holds anything back: the program is stopping. */
  hurry(): void {
    this.#hurried = true;
  }

  /** Frames of the current block that have not been read, or whose drop has not been heard of. */
  unread(): number {
    const records = this.#block?.records ?? [];
    let frames = 0;
    for (let i = this.#next; i < records.length; i += 1) {
      const record = records[i];
      if (record?.kind === 'frame') frames += 1;
      if (record?.kind === 'state') frames += record.count;
    }
    return frames;
  }

  /** When the last block was taken up: our clock, µs. */
  get takenAt(): number {
    return this.#takenAt;
  }

  /** Behind the last block that was read whole. */
  get mark(): Mark {
    return this.#mark;
  }

  /** The receive time of the last record read: the operators' present. */
  get lastReceive(): ReceiveTime {
    return this.#lastReceive;
  }

  /**
   * Frames that stood before the block and cannot be read any more: of which source is not known,
   * so that every one of them has a hole there.
   */
  #noteLost({ lost, positions, records }: Block): void {
    const { ledger, liveFrom, operators, sources } = this.#options;
    const [first] = records;
    if (lost === 0 || first === undefined) return;
    ledger.frames.lost += lost;
    if ((positions[0] ?? liveFrom) < liveFrom) ledger.frames.received += lost;
    const what = { kind: 'state', state: 'dropped', connection: 0, symbols: [], count: 0 } as const;
    for (const source of sources()) {
      operators.state({ ...what, source, receiveTime: first.receiveTime });
    }
  }

  async #read(block: Block, signal: AbortSignal): Promise<void> {
    const { room, pacing, clock } = this.#options;
    this.#takenAt = clock.now();
    let turnEnds = this.#takenAt + TURN_US;
    while (this.#next < block.records.length && !signal.aborted) {
      const waiting = room();
      if (waiting !== undefined) {
        await waiting;
        continue;
      }
      const record = block.records[this.#next];
      if (record === undefined) return;
      if (record.kind === 'frame' && !this.#hurried && !pacing.tryTake()) {
        await this.#pace(record, signal);
        continue;
      }
      this.#position = block.positions[this.#next] ?? this.#position;
      this.#row = 0;
      this.#next += 1;
      this.#take(record);
      if ((this.#next & 63) === 0 && clock.now() > turnEnds) {
        await yieldTurn();
        turnEnds = clock.now() + TURN_US;
      }
    }
  }

  async #pace(record: FrameRecord, signal: AbortSignal): Promise<void> {
    const source = this.#options.source(record.source, false);
    if (source !== undefined) source.stats.pacingBlocked += 1;
    await pause(this.#options.clock, this.#options.pacing.waitMs(), signal);
  }

  #take(record: MarketRecord): void {
    const { operators, rows } = this.#options;
    this.#lastReceive = record.receiveTime;
    rows.at(record, BigInt(this.#position));
    if (record.kind === 'frame') this.#takeFrame(record);
    else if (record.kind === 'tick') operators.tick(record);
    else this.#takeState(record);
  }

  #takeState(record: StateRecord): void {
    const { operators, ledger, onStarted, onDropped, onEnded, liveFrom } = this.#options;
    const [detail] = record.symbols;
    if (record.state === 'started' && detail !== undefined) onStarted(record.source, detail);
    operators.state(record);
    if (record.state === 'dropped') {
      if (this.#position < liveFrom) ledger.frames.received += record.count;
      onDropped(record.count, detail);
    }
    if (record.state === 'ended' && this.#position >= liveFrom) onEnded(record.source);
  }

  #takeFrame(record: FrameRecord): void {
    const { ledger, operators } = this.#options;
    const former = this.#position < this.#options.liveFrom;
    const source = this.#options.source(record.source, former);
    if (source === undefined) {
      throw new MdpError(former ? 'input' : 'invariant', `unknown source ${record.source}`, {
        hint: 'its beginning is not recorded; to replay it, name its venue: --venue ID',
      });
    }
    if (former) ledger.frames.received += 1;
    operators.arrival(record.source, record.connection, record.receiveTime);
    const outcome = this.#decode(source, record);
    if (outcome === 'data') ledger.frames.decoded += 1;
    else if (outcome === 'control') ledger.frames.control += 1;
    else {
      source.stats.decodeError(outcome);
      this.#options.rows.undecodable(outcome, record);
    }
    for (const event of this.#pending) this.#event(event, source, record);
    this.#pending.length = 0;
  }

  #decode(source: ReadSource, record: FrameRecord): DecodeOutcome {
    this.#frame = record;
    this.#context.receiveTime = record.receiveTime;
    this.#context.venue = source.venue.id;
    try {
      return source.venue.decode(record.text, this.#context, this.#emit);
    } catch {
      // The venue's code met what it did not foresee: the frame is counted and sampled, the feed
      // goes on.
      return 'exception';
    }
  }

  #event(event: Trade | Quote, source: ReadSource, record: FrameRecord): void {
    const { operators, rows } = this.#options;
    source.stats.item(event.instrument, event.receiveTime);
    if (!rows.wanted(event, source.wanted(event.instrument))) return;
    if (event.eventTime !== undefined) {
      source.stats.lag.observe((event.receiveTime - event.eventTime) / 1e6);
    }
    if (event.kind === 'trade') operators.trade(event, record.source, record.connection);
    else operators.quote(event, record.source, record.connection);
  }

  #instrument(symbol: string): Instrument {
    const instrument = this.#options.instruments.intern(this.#context.venue, symbol);
    if (instrument === undefined) {
      throw new MdpError('instrument_limit', 'more instruments than this process holds');
    }
    return instrument;
  }
}
