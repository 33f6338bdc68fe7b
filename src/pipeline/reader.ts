import type { Quote, Trade } from '../market/events.ts';
import type { Instrument, Instruments } from '../market/instrument.ts';
import type { Integer } from '../market/integer.ts';
import { integerOf } from '../market/integer.ts';
import type { FrameRecord, MarketRecord } from '../market/record.ts';
import type { ReceiveTime } from '../market/time.ts';
import { receiveTime } from '../market/time.ts';
import type { MarketOperators } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import { pause, yieldTurn } from '../runtime/waiting.ts';
import type { DecodeContext, DecodeOutcome, Emit, Venue } from '../venues/venue.ts';
import type { Ledger } from './ledger.ts';
import type { Pacing } from './pacing.ts';
import type { Block, RecordQueue } from './record-queue.ts';
import type { Rows } from './rows.ts';
import type { SourceStats } from './source-stats.ts';

/** After so long without a pause, sockets and timers get their turn. */
const TURN_US = 8000;
/** Position of a row: the run's 30 bits above so many bits of a running number. */
const POSITION_BITS = 33n;

/** What the reader knows of a source. */
export type ReadSource = {
  readonly name: string;
  readonly venue: Venue;
  readonly wanted: (instrument: Instrument) => boolean;
  readonly stats: SourceStats;
};

export type ReaderOptions = {
  readonly queue: RecordQueue;
  readonly source: (name: string) => ReadSource | undefined;
  readonly instruments: Instruments;
  readonly operators: MarketOperators;
  readonly rows: Rows;
  readonly ledger: Ledger;
  readonly pacing: Pacing;
  readonly clock: Clock;
  /** 30 bits that make positions of this run, or of this input, its own. */
  readonly run: number;
  /** Resolves when the operators may go on: there is room behind them. undefined = at once. */
  readonly room: () => Promise<void> | undefined;
  /** A source has said that it is through. */
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
  #recordNumber = 0n;
  #rowNumber = 0n;
  #lastReceive = receiveTime(0);
  #hurried = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#context = {
      receiveTime: receiveTime(0),
      venue: '',
      instrument: (symbol) => this.#instrument(symbol),
      position: () => this.#position(),
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
    const { queue } = this.#options;
    while (!signal.aborted) {
      const block = queue.take();
      if (block === undefined) {
        if (queue.closed) return;
        await queue.filled(signal);
        continue;
      }
      this.#block = block;
      this.#next = 0;
      await this.#read(block, signal);
    }
  }

  /** From now on pacing no longer holds anything back: the program is stopping. */
  hurry(): void {
    this.#hurried = true;
  }

  /** Frames of the current block that have not been read. */
  unread(): number {
    const records = this.#block?.records ?? [];
    let frames = 0;
    for (let i = this.#next; i < records.length; i += 1) {
      if (records[i]?.kind === 'frame') frames += 1;
    }
    return frames;
  }

  /** The receive time of the last record read: the operators' present. */
  get lastReceive(): ReceiveTime {
    return this.#lastReceive;
  }

  async #read(block: Block, signal: AbortSignal): Promise<void> {
    const { room, pacing, clock } = this.#options;
    let turnEnds = clock.now() + TURN_US;
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
      this.#next += 1;
      this.#take(record);
      if ((this.#next & 63) === 0 && clock.now() > turnEnds) {
        await yieldTurn();
        turnEnds = clock.now() + TURN_US;
      }
    }
  }

  async #pace(record: FrameRecord, signal: AbortSignal): Promise<void> {
    const source = this.#options.source(record.source);
    if (source !== undefined) source.stats.pacingBlocked += 1;
    await pause(this.#options.clock, this.#options.pacing.waitMs(), signal);
  }

  #take(record: MarketRecord): void {
    const { operators } = this.#options;
    this.#recordNumber += 1n;
    this.#lastReceive = record.receiveTime;
    this.#options.rows.at(record, this.#recordPosition());
    if (record.kind === 'frame') this.#takeFrame(record);
    else if (record.kind === 'tick') operators.tick(record);
    else {
      operators.state(record);
      if (record.state === 'ended') this.#options.onEnded(record.source);
    }
  }

  #takeFrame(record: FrameRecord): void {
    const { ledger, operators } = this.#options;
    const source = this.#options.source(record.source);
    if (source === undefined) {
      throw new MdpError('invariant', `a record names the unknown source ${record.source}`);
    }
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

  #position(): Integer {
    this.#rowNumber += 1n;
    return integerOf((BigInt(this.#options.run) << POSITION_BITS) | this.#rowNumber);
  }

  #recordPosition(): bigint {
    return (BigInt(this.#options.run) << POSITION_BITS) | this.#recordNumber;
  }
}
