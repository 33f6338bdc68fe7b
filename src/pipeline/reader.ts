import type { Block } from '../journal/block.ts';
import type { Mark, Position, RecordBuffer } from '../journal/record-buffer.ts';
import { RecordCursor } from '../journal/record-cursor.ts';
import type { Quote, Trade } from '../market/events.ts';
import type { Instrument, Instruments } from '../market/instrument.ts';
import type { StateRecord } from '../market/record.ts';
import { SymbolTable } from '../market/symbol-table.ts';
import type { ReceiveTime } from '../market/time.ts';
import { receiveTime } from '../market/time.ts';
import type { MarketOperators } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import { MdpError } from '../runtime/errors.ts';
import { pause, yieldTurn } from '../runtime/waiting.ts';
import type { DecodeOutcome, Emit, ScanContext, Venue } from '../venues/venue.ts';
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
  /** Frames were given up here, by policy; `isPending`: by this process, which has said so. */
  readonly onDropped: (count: number, reason: string | undefined, isPending: boolean) => void;
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
  readonly #context: ScanContext & { receiveTime: ReceiveTime; venue: string };
  readonly #emit: Emit;
  readonly #cursor = new RecordCursor();
  #block: Block | undefined;
  /** Where the next record of the block begins. */
  #next = 0;
  /** Of the frame read last: most often also that of the next one. */
  #source: ReadSource | undefined;
  #former = false;
  #symbols = new SymbolTable();
  /** The text of a frame that was decoded in full. */
  #text = '';
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
      known: (bytes, from, to) => this.#symbols.find(bytes, from, to),
    };
    this.#emit = {
      trade: (trade) => this.#pending.push(trade),
      quote: (quote) => this.#pending.push(quote),
      reject: (kind, reason) => options.rows.refusedRow(kind, reason, this.#text),
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
      this.#next = block.from;
      this.#cursor.use(block.bytes, block.view);
      this.#noteLost(block);
      await this.#read(block, signal);
      if (this.#next < block.to) return;
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
    const block = this.#block;
    if (block === undefined) return 0;
    const cursor = new RecordCursor();
    cursor.use(block.bytes, block.view);
    let frames = 0;
    for (let at = this.#next; at < block.to; at += cursor.size) {
      cursor.stand(at);
      const record = cursor.isFrame ? undefined : cursor.record();
      if (record === undefined) frames += 1;
      else if (record.kind === 'state') frames += record.count;
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
  #noteLost({ lost, position, from }: Block): void {
    const { ledger, liveFrom, operators, sources } = this.#options;
    if (lost === 0) return;
    this.#cursor.stand(from);
    ledger.frames.lost += lost;
    if (position < liveFrom) ledger.frames.received += lost;
    const what = { kind: 'state', state: 'dropped', connection: 0, symbols: [], count: 0 } as const;
    for (const source of sources()) {
      operators.state({ ...what, source, receiveTime: this.#cursor.receiveTime });
    }
  }

  async #read(block: Block, signal: AbortSignal): Promise<void> {
    const { room, pacing, clock } = this.#options;
    const cursor = this.#cursor;
    this.#takenAt = clock.now();
    let turnEnds = this.#takenAt + TURN_US;
    let taken = 0;
    this.#source = undefined;
    while (this.#next < block.to && !signal.aborted) {
      const waiting = room();
      if (waiting !== undefined) {
        await waiting;
        this.#source = undefined;
        continue;
      }
      cursor.stand(this.#next);
      if (cursor.isFrame && !this.#hurried && !pacing.tryTake()) {
        await this.#pace(cursor.source, signal);
        this.#source = undefined;
        continue;
      }
      this.#position = block.position + this.#next - block.from;
      this.#row = 0;
      this.#next += cursor.size;
      this.#take(cursor);
      taken += 1;
      if ((taken & 63) === 0 && clock.now() > turnEnds) {
        await yieldTurn();
        this.#source = undefined;
        turnEnds = clock.now() + TURN_US;
      }
    }
  }

  async #pace(name: string, signal: AbortSignal): Promise<void> {
    const source = this.#options.source(name, false);
    if (source !== undefined) source.stats.pacingBlocked += 1;
    await pause(this.#options.clock, this.#options.pacing.waitMs(), signal);
  }

  #take(cursor: RecordCursor): void {
    const { operators, rows } = this.#options;
    const { receiveTime: at, source } = cursor;
    this.#lastReceive = at;
    rows.at(at, source, this.#position);
    if (cursor.isFrame) {
      this.#takeFrame(cursor, at, source);
      return;
    }
    const record = cursor.record();
    if (record?.kind === 'tick') operators.tick(record);
    else if (record?.kind === 'state') this.#takeState(record);
  }

  #takeState(record: StateRecord): void {
    const { operators, ledger, onStarted, onDropped, onEnded, liveFrom } = this.#options;
    const [detail] = record.symbols;
    this.#source = undefined;
    if (record.state === 'started' && detail !== undefined) onStarted(record.source, detail);
    operators.state(record);
    if (record.state === 'dropped') {
      const former = this.#position < liveFrom;
      if (former) ledger.frames.received += record.count;
      onDropped(record.count, detail, !former || this.#block?.givenUp === true);
    }
    if (record.state === 'ended' && this.#position >= liveFrom) onEnded(record.source);
  }

  #takeFrame(cursor: RecordCursor, at: ReceiveTime, name: string): void {
    const { ledger, operators } = this.#options;
    const { connection } = cursor;
    const source = this.#source?.name === name ? this.#source : this.#sourceOf(name);
    if (this.#former) ledger.frames.received += 1;
    operators.arrival(name, connection, at);
    const outcome = this.#decode(source, cursor, at);
    if (outcome === 'data') ledger.frames.decoded += 1;
    else if (outcome === 'control') ledger.frames.control += 1;
    else {
      source.stats.decodeError(outcome);
      this.#options.rows.undecodable(outcome, this.#text);
    }
    for (const event of this.#pending) this.#event(event, source, name, connection);
    this.#pending.length = 0;
  }

  #sourceOf(name: string): ReadSource {
    const former = this.#position < this.#options.liveFrom;
    const source = this.#options.source(name, former);
    if (source === undefined) {
      throw new MdpError(former ? 'input' : 'invariant', `unknown source ${name}`, {
        hint: 'its beginning is not recorded; to replay it, name its venue: --venue ID',
      });
    }
    this.#source = source;
    this.#former = former;
    this.#context.venue = source.venue.id;
    this.#symbols = this.#options.instruments.symbols(source.venue.id);
    return source;
  }

  #decode({ venue }: ReadSource, cursor: RecordCursor, at: ReceiveTime): DecodeOutcome {
    this.#context.receiveTime = at;
    try {
      const isScanned = cursor.isUtf8 && venue.scan(cursor, this.#context, this.#emit);
      if (isScanned) return 'data';
      this.#text = cursor.text();
      return venue.decode(this.#text, this.#context, this.#emit);
    } catch {
      // The venue's code met what it did not foresee: the frame is counted and sampled, the feed
      // goes on.
      return 'exception';
    }
  }

  #event(event: Trade | Quote, source: ReadSource, name: string, connection: number): void {
    const { operators, rows } = this.#options;
    source.stats.item(event.instrument, event.receiveTime);
    if (!rows.wanted(event, source.wanted(event.instrument))) return;
    if (event.eventTime !== undefined) {
      source.stats.lag.observe((event.receiveTime - event.eventTime) / 1e6);
    }
    if (event.kind === 'trade') operators.trade(event, name, connection);
    else operators.quote(event, name, connection);
  }

  #instrument(symbol: string): Instrument {
    const instrument = this.#options.instruments.intern(this.#context.venue, symbol);
    if (instrument === undefined) {
      throw new MdpError('instrument_limit', 'more instruments than this process holds');
    }
    return instrument;
  }
}
