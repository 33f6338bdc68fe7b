import type { FrameRecord, MarketRecord } from '../market/record.ts';
import type { ReceiveTime } from '../market/time.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { Bell } from '../runtime/waiting.ts';
import { Behind } from './behind.ts';
import { BlockReader, droppedRecord } from './block-reader.ts';
import { Chunks } from './chunks.ts';
import type { Disk } from './disk.ts';
import { roomFor } from './encode.ts';
import { Keeper, MAX_BYTES } from './keeper.ts';
import { Quarantine } from './quarantine.ts';
import type { Recovered } from './recover.ts';
import type { Block, Dropped } from './block.ts';
import type { DropPolicy, Mark, MemoryShare, Position, RecordBuffer } from './record-buffer.ts';
import { journalReport, type JournalReport, type Rate } from './report.ts';
import { Segments } from './segments.ts';
import { SegmentWriter } from './segment-writer.ts';

/**
 * The journal: an append-only log of records on disk, which is the overload buffer, the crash
 * recovery and the recording.
 *
 * It promises that records come out in the order in which they went in, each once; that the reader
 * never sees what the kernel does not have (unless the disk is away, aloud); that whatever was
 * synced is read again after a crash from the position asked for; and that frames are given up only
 * at a named bound, counted, with a record in their place. Ticks and states are never given up. It
 * owns its directory, does not know what a frame says, and never waits in `push`.
 */
export type JournalOptions = {
  readonly directory: string;
  readonly fsyncMs: number;
  readonly maxBytes: number;
  readonly minFreeBytes: number;
  readonly retainMs: number;
  readonly policy: DropPolicy;
  /** Blocks of 256 KiB kept in memory for a reader that keeps up. */
  readonly maxBlocks: number;
  readonly memory: MemoryShare;
  /** Where reading begins: the checkpoint's mark. undefined = with the oldest record. */
  readonly from: Mark | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /**
   * Frames were given up, for metrics and health. The stream has a `dropped` record with the same
   * count.
   */
  readonly onDrop: (source: string, count: number) => void;
};

/**
 * Most bytes that are not yet synced: beyond it frames are refused. Under `block` sockets pause at
 * half of it, and what many of them bring all the same may take the memory for all that waits.
 */
const BUFFER_BYTES = 16 * 1024 * 1024;
/** While the disk is away no more than all that may wait in memory, if that is not too little. */
const LEAST_AWAY_BYTES = 1024 * 1024;
/** What a paused socket of Bun's own client still brings: 840 KiB of records, measured. */
const PAUSED_BYTES = 1024 * 1024;
/** A segment is an eighth of all, within these. */
const SEGMENTS = 8;
const LEAST_SEGMENT_BYTES = 64 * 1024;
const MOST_SEGMENT_BYTES = 32 * 1024 * 1024;

export class Journal implements RecordBuffer {
  readonly #options: JournalOptions;
  readonly #segments: Segments;
  readonly #chunks: Chunks;
  readonly #writer: SegmentWriter;
  readonly #reader: BlockReader;
  readonly #behind: Behind;
  readonly #keeper: Keeper;
  readonly #quarantine: Quarantine;
  readonly #filled = new Bell();
  readonly #emptied = new Bell();
  readonly #refused = new Map<string, Dropped>();
  readonly #release: () => void;
  readonly #segmentBytes: number;
  readonly #bufferBytes: number;
  readonly #awayBytes: number;
  readonly #rate: Rate;
  readonly #tornBytes: number;
  /** Bytes beyond the bound at the start, where sources stop at it. */
  readonly #overhang: number;
  #taken: Mark;
  #takenReceive = 0;
  /** From this position on sources that can wait should, and frames are refused. */
  #fullFrom = 0;
  #bound = 0;
  #closing = false;
  /** Bytes in chunks that the reader has not taken. */
  #waiting = 0;
  #dropped = 0;
  #lost = 0;

  /**
   * For `openJournal` alone: the directory is locked and recovered, and new records begin at
   * `start`.
   */
  constructor(
    options: JournalOptions,
    disk: Disk,
    recovered: Recovered,
    start: Mark,
    release: () => void,
  ) {
    const { directory, clock, log, memory } = options;
    this.#options = options;
    this.#release = release;
    this.#tornBytes = recovered.tornBytes;
    this.#segmentBytes = segmentBytesFor(options.maxBytes);
    this.#bufferBytes = Math.max(BUFFER_BYTES, options.policy === 'block' ? memory.limit : 0);
    this.#awayBytes = Math.min(BUFFER_BYTES, Math.max(LEAST_AWAY_BYTES, memory.limit));
    const segments = new Segments(recovered.segments);
    const chunks = new Chunks(start, this.#segmentBytes);
    const first = segments.all[0];
    this.#taken = options.from ?? {
      position: first?.start ?? start.position,
      frames: first?.frames ?? start.frames,
    };
    this.#rate = { at: clock.now(), position: start.position, bytesPerSecond: 0 };
    this.#segments = segments;
    this.#chunks = chunks;
    this.#quarantine = new Quarantine(disk, directory, log);
    this.#reader = new BlockReader(this.#taken.frames, (damage) => this.#quarantine.take(damage));
    const shared = { disk, directory, segments, chunks, clock, log };
    this.#writer = new SegmentWriter({
      ...shared,
      start,
      fsyncMs: options.fsyncMs,
      onProgress: () => this.#progressed(),
    });
    this.#behind = new Behind({
      ...shared,
      reader: this.#reader,
      memory,
      start: this.#taken.position,
      bound: () => chunks.start,
      onReady: () => this.#filled.ring(),
    });
    this.#keeper = new Keeper({
      ...shared,
      behind: this.#behind,
      settled: this.#taken.position,
      unwritten: () => chunks.position - this.#writer.written.position,
      maxBytes: options.maxBytes,
      minFreeBytes: options.minFreeBytes,
      retainMs: options.retainMs,
      policy: options.policy,
      onDrop: (source, count) => this.#tellDrop(source, count),
      onChange: () => this.#review(),
    });
    this.#overhang = options.policy === 'block' ? Math.max(0, -this.#keeper.room) : 0;
    this.#review();
    this.#keeper.kick();
  }

  push(record: MarketRecord): void {
    if (record.kind === 'frame' && this.#chunks.position >= this.#bound) {
      this.#review();
      if (this.#chunks.position >= this.#bound) {
        this.#refuse(record);
        return;
      }
    }
    if (this.#refused.size > 0) this.#appendRefusals();
    this.#append(record);
  }

  pushFrames(frames: readonly FrameRecord[]): void {
    const [first] = frames;
    if (first === undefined) return;
    const room = frames.reduce((sum, frame) => sum + roomFor(frame), 0);
    if (this.#chunks.position + room > this.#bound) this.#review();
    if (this.#refused.size > 0 || this.#chunks.position + room > this.#bound) {
      for (const frame of frames) this.push(frame);
      return;
    }
    this.#appended(this.#chunks.appendFrames(frames), first.receiveTime);
  }

  take(): Block | undefined {
    const block = this.#behind.take() ?? this.#behind.fromChunk(this.#readable);
    if (block === undefined) {
      if (this.#refused.size > 0) this.#appendRefusals();
      this.#behind.load();
      return undefined;
    }
    this.#taken = block.end;
    this.#takenReceive = block.lastReceive;
    this.#lost += block.lost;
    this.#releaseChunks();
    if (this.#writer.away !== undefined) this.#review();
    this.#behind.load();
    return block;
  }

  filled(signal: AbortSignal): Promise<void> {
    return this.#filled.wait(signal);
  }

  emptied(signal: AbortSignal): Promise<void> {
    return this.#emptied.wait(signal);
  }

  memoryFreed(): void {
    if (!this.full) this.#emptied.ring();
  }

  close(): void {
    if (this.#refused.size > 0) this.#appendRefusals();
    this.#closing = true;
    this.#review();
    this.#writer.now();
    this.#filled.ring();
  }

  get closed(): boolean {
    const waits = this.#refused.size > 0 || this.#behind.length > 0;
    return this.#closing && !waits && this.#behind.position >= this.#chunks.position;
  }

  get full(): boolean {
    return this.#chunks.position >= this.#fullFrom;
  }

  get length(): number {
    return this.#behind.length + this.#chunks.countFrom(this.#behind.position);
  }

  /**
   * Frames that were not taken yet; those given up count until the record that tells of them is
   * taken.
   */
  frames(): number {
    return this.#chunks.end.frames - this.#taken.frames;
  }

  /** Where what was taken in ends. */
  get end(): Mark {
    return this.#chunks.end;
  }

  /** Where what was taken ends. */
  get taken(): Mark {
    return this.#taken;
  }

  /**
   * Everything before `position` is settled, and no checkpoint that may be loaded lies before it.
   */
  settle(position: Position): void {
    if (position <= this.#keeper.settled) return;
    this.#keeper.settled = position;
    this.#keeper.kick();
  }

  /**
   * Resolves with true when everything before `position` is on disk: only then may a checkpoint
   * name it. With false when `signal` is aborted first.
   */
  persist(position: Position, signal: AbortSignal): Promise<boolean> {
    return this.#writer.persist(position, signal);
  }

  /** Hands to the kernel what was taken in: whoever is about to hold the thread calls it. */
  writeOut(): void {
    this.#writer.now();
  }

  /**
   * Whether what is read but not settled takes so much of the journal that a checkpoint should come
   * soon.
   */
  get wantsSettling(): boolean {
    const { bytes, retainedBytes, lagBytes } = this.report();
    return bytes - retainedBytes - lagBytes > this.#options.maxBytes / 4;
  }

  report(): JournalReport {
    return journalReport({
      options: this.#options,
      segments: this.#segments,
      writer: this.#writer,
      keeper: this.#keeper,
      end: this.#chunks.end,
      taken: this.#taken,
      takenReceive: this.#takenReceive,
      rate: this.#rate,
      tornBytes: this.#tornBytes,
      damaged: this.#quarantine.count,
      droppedFrames: this.#dropped,
      lostFrames: this.#lost,
    });
  }

  /** Writes and syncs what there is, as far as the disk takes it, and lets go of the directory. */
  async release(signal: AbortSignal): Promise<void> {
    this.close();
    await this.#writer.persist(this.#chunks.position, signal);
    await this.#keeper.close();
    await this.#writer.close();
    await this.#quarantine.close();
    this.#release();
  }

  #append(record: MarketRecord): void {
    this.#appended(this.#chunks.append(record), record.receiveTime);
  }

  #appended(bytes: number, at: ReceiveTime): void {
    this.#waiting += bytes;
    this.#options.memory.addBlocks(bytes);
    this.#writer.soon(at);
  }

  /** Up to where the reader may read: what is written, or all that came while the disk is away. */
  get #readable(): Position {
    const { away, written } = this.#writer;
    return away === undefined ? written.position : this.#chunks.position;
  }

  /**
   * Chunks that are on disk stay for a reader that keeps up, so that it reads no file; one that has
   * fallen behind by `maxBlocks`, or while memory is full, reads its way back from the files.
   */
  #releaseChunks(): void {
    const { maxBlocks, memory } = this.#options;
    const { position } = this.#behind;
    const chunks = this.#chunks;
    const keepsUp = position >= chunks.start && chunks.list.length <= maxBlocks && !memory.full;
    const { synced } = this.#writer;
    chunks.release(keepsUp ? Math.min(position, synced.position) : synced.position);
    this.#countWaiting();
  }

  /**
   * What waits for the reader in chunks is part of the memory that all waiting data share. What
   * comes is added as it comes.
   */
  #countWaiting(): void {
    const chunks = this.#chunks;
    const waiting = chunks.position - Math.max(chunks.start, this.#behind.position);
    this.#options.memory.addBlocks(waiting - this.#waiting);
    this.#waiting = waiting;
  }

  #progressed(): void {
    this.#releaseChunks();
    this.#review();
    if (this.#keeper.room <= 0) this.#keeper.kick();
    this.#filled.ring();
  }

  /**
   * Decides anew from which positions on sources should wait, and frames are refused. Where the
   * bytes on disk are at a bound but nothing there is unread, writing is what gives way: a reader
   * that keeps up is fed from memory. What is left at the end is written all the same.
   */
  #review(): void {
    const { room } = this.#keeper;
    const slack = this.#slack;
    const isAtBound = room + slack <= 0 && !this.#closing;
    if (isAtBound && !this.#behind.isOnDisk) this.#writer.suspend(this.#keeper.boundName);
    else if (room > 0 || this.#closing) this.#writer.resume();
    const { synced, away } = this.#writer;
    if (away !== undefined) this.#giveUpRead(room <= 0 ? 0 : this.#awayBytes / 2);
    const end = this.#chunks.position;
    const unsynced = end - synced.position;
    const most = away === undefined ? this.#bufferBytes : this.#awayBytes;
    const enough = (away === undefined ? BUFFER_BYTES : this.#awayBytes) / 2;
    const onDisk = away === undefined ? room : Number.POSITIVE_INFINITY;
    this.#bound = end + Math.max(0, Math.min(most - unsynced, onDisk + slack));
    const wasFull = this.full;
    this.#fullFrom = end + Math.min(this.#roomToFill, enough - unsynced);
    if (wasFull && !this.full) this.#emptied.ring();
  }

  /**
   * Beyond its bound a journal may grow by a segment, while it makes room or sources stop: sockets
   * bring some frames before they pause. What an earlier run had used of it is not missing here.
   */
  get #slack(): number {
    const { policy } = this.#options;
    if (policy === 'block') return Math.max(this.#segmentBytes, PAUSED_BYTES) + this.#overhang;
    return policy === 'oldest' && !this.#keeper.stuck ? this.#segmentBytes : 0;
  }

  /**
   * Bytes that may come before sources should wait. With the disk away they go through memory, and
   * a wait would not bring it back; at our own bound it does, as soon as what was read is settled.
   */
  get #roomToFill(): number {
    const { room, boundName } = this.#keeper;
    const { away } = this.#writer;
    const isOver = away === undefined || (away.errno === boundName && boundName === MAX_BYTES);
    return isOver ? room : Number.POSITIVE_INFINITY;
  }

  /** With the disk away, memory that was read makes room for what comes, beyond `kept` bytes. */
  #giveUpRead(kept: number): void {
    const chunks = this.#chunks;
    if (chunks.position - this.#writer.synced.position < kept) return;
    chunks.release(this.#behind.position);
    this.#countWaiting();
    const next = chunks.list[0]?.start ?? chunks.end;
    this.#writer.skipTo(next.position > this.#taken.position ? next : this.#taken);
  }

  #refuse(frame: FrameRecord): void {
    const { source, connection, receiveTime } = frame;
    const key = `${source} ${connection}`;
    const count = (this.#refused.get(key)?.count ?? 0) + 1;
    this.#refused.set(key, { source, connection, receiveTime, count });
    this.#tellDrop(source, 1);
  }

  #appendRefusals(): void {
    const refusals = [...this.#refused.values()];
    this.#refused.clear();
    for (const refusal of refusals) this.#append(droppedRecord(refusal));
  }

  #tellDrop(source: string, count: number): void {
    this.#dropped += count;
    this.#options.onDrop(source, count);
  }
}

const segmentBytesFor = (maxBytes: number): number =>
  Math.min(MOST_SEGMENT_BYTES, Math.max(LEAST_SEGMENT_BYTES, Math.floor(maxBytes / SEGMENTS)));
