import { receiveTime } from '../market/time.ts';
import type { ReceiveTime } from '../market/time.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { pause } from '../runtime/waiting.ts';
import { lineBlocks, replayFiles } from './replay-files.ts';
import type { ReplayFile } from './replay-files.ts';
import { readLine } from './replay-line.ts';
import { RecordedSessions } from './replay-sessions.ts';
import type { Recorded } from './replay-sessions.ts';
import type { ReplayEntry } from './settings.ts';
import type { Intake, Source, SourcePhase, SourceReport } from './source.ts';
import { noTraffic, trafficOf } from './traffic.ts';

/** A wait shorter than this is not worth a timer. */
const SHORTEST_WAIT_MS = 2;
/** So many unreadable places are named in the log; all are counted. */
const NAMED_FAULTS = 20;

export type ReplayParts = {
  readonly name: string;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly log: Log;
};

export interface ReplaySource extends Source {
  /** Resolves when the input has been read, or the source was stopped. */
  readonly finished: Promise<ReplayResult>;
}

export type ReplayResult = {
  readonly files: number;
  readonly frames: number;
  /** Lines that could not be read, and files that broke off. */
  readonly unreadable: number;
};

/**
 * Recordings as a source: their frames with their recorded receive times, at a multiple of the
 * recorded pace or as fast as the intake takes them. Memory is bounded by a block of a file. Throws
 * `input` for a path that is not there.
 */
export const createReplaySource = (settings: ReplayEntry, parts: ReplayParts): ReplaySource =>
  new Replay(settings, parts);

class Replay implements ReplaySource {
  readonly name: string;
  readonly venue: string;
  readonly finished: Promise<ReplayResult>;
  readonly #parts: ReplayParts;
  readonly #files: readonly ReplayFile[];
  readonly #speed: ReplayEntry['speed'];
  readonly #symbols: readonly string[];
  readonly #sessions: RecordedSessions;
  readonly #traffic = noTraffic();
  readonly #stop = new AbortController();
  readonly #finish: PromiseWithResolvers<ReplayResult>;
  #phase: SourcePhase = 'idle';
  #since: ReceiveTime;
  #bytesDone = 0;
  #unreadable = 0;
  #firstFault: string | undefined;
  #anchor: { readonly recorded: number; readonly wall: number } | undefined;

  constructor(settings: ReplayEntry, parts: ReplayParts) {
    this.name = parts.name;
    this.venue = settings.venue;
    this.#parts = parts;
    this.#files = replayFiles(settings.path);
    this.#speed = settings.speed;
    this.#symbols = settings.symbols ?? [];
    this.#sessions = new RecordedSessions(parts.intake, this.#symbols);
    this.#since = receiveTime(parts.clock.now());
    this.#finish = Promise.withResolvers();
    this.finished = this.#finish.promise;
  }

  start(): void {
    this.#enter('open');
    this.#run().then(this.#finish.resolve, this.#finish.reject);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    if (this.#phase === 'open') await this.finished;
    if (this.#phase === 'idle') this.#enter('stopped');
  }

  report(): SourceReport {
    const opened = this.#sessions.opened;
    return {
      name: this.name,
      venue: this.venue,
      phase: this.#phase,
      since: this.#since,
      reason: this.#firstFault,
      ...trafficOf(this.#traffic),
      connectionsOpen: this.#sessions.openCount,
      connects: opened,
      disconnects: 0,
      reconnects: 0,
      mutes: 0,
      symbols: this.#symbols.map((symbol) => ({
        symbol,
        state: opened === 0 ? 'pending' : 'subscribed',
        reason: undefined,
      })),
      progress: {
        done: this.#bytesDone,
        total: this.#files.reduce((sum, { bytes }) => sum + bytes, 0),
      },
    };
  }

  async #run(): Promise<ReplayResult> {
    const { intake, log, clock } = this.#parts;
    for (const file of this.#files) {
      if (this.#stop.signal.aborted) break;
      await this.#readFile(file.path);
    }
    const last = this.#sessions.last ?? receiveTime(clock.now());
    this.#sessions.endAll();
    intake.state(last, 0, 'ended');
    this.#enter(this.#stop.signal.aborted ? 'stopped' : 'ended');
    const { frames } = this.#traffic;
    const result = { files: this.#files.length, frames, unreadable: this.#unreadable };
    log.info('replay is through', result);
    return result;
  }

  async #readFile(path: string): Promise<void> {
    let number = 0;
    this.#sessions.fileBegins();
    for await (const { lines, bytes, fault } of lineBlocks(path)) {
      for (const text of lines) {
        number += 1;
        const line = readLine(text);
        if (line === undefined) this.#unread(`${path}:${number}`, 'this line is no record');
        else if (line.kind !== 'skipped') await this.#take(line);
        if (this.#stop.signal.aborted) return;
      }
      if (fault !== undefined) this.#unread(`${path}:${number + 1}`, fault);
      this.#bytesDone += bytes;
    }
  }

  /** A promise only where there is something to wait for: most lines are handed on in passing. */
  #take(line: Recorded): Promise<void> | void {
    const sessions = this.#sessions;
    sessions.meet(line);
    if (this.#waitMs(line.at) > 0) return this.#takeInTime(line);
    for (let due = sessions.tickDue(line.at); due !== undefined; due = sessions.tickDue(line.at)) {
      sessions.tick(due);
    }
    return this.#handOn(line);
  }

  async #takeInTime(line: Recorded): Promise<void> {
    const sessions = this.#sessions;
    for (let due = sessions.tickDue(line.at); due !== undefined; due = sessions.tickDue(line.at)) {
      await this.#waitFor(due);
      if (this.#stop.signal.aborted) return;
      sessions.tick(due);
    }
    await this.#waitFor(line.at);
    if (!this.#stop.signal.aborted) await this.#handOn(line);
  }

  #handOn(line: Recorded): Promise<void> | void {
    const { intake } = this.#parts;
    if (line.kind === 'frame') {
      this.#traffic.frames += 1;
      this.#traffic.bytes += line.text.length;
      this.#traffic.lastFrameAt = line.at;
    }
    this.#sessions.take(line);
    return intake.full ? intake.room(this.#stop.signal) : undefined;
  }

  async #waitFor(at: ReceiveTime): Promise<void> {
    const wait = this.#waitMs(at);
    if (wait > 0) await pause(this.#parts.clock, wait, this.#stop.signal);
  }

  /**
   * How long `at` is away at the pace that was asked for, in ms; 0 where it is not worth a timer.
   */
  #waitMs(at: ReceiveTime): number {
    if (this.#speed === 'max') return 0;
    const now = this.#parts.clock.now();
    const began = this.#sessions.began;
    if (this.#anchor === undefined || this.#anchor.recorded !== began) {
      this.#anchor = { recorded: began ?? at, wall: now };
    }
    const due = this.#anchor.wall + (at - this.#anchor.recorded) / this.#speed;
    const wait = (due - now) / 1000;
    return wait >= SHORTEST_WAIT_MS ? wait : 0;
  }

  #unread(place: string, fault: string): void {
    this.#unreadable += 1;
    this.#firstFault ??= `unreadable, first at ${place}: ${fault}`;
    if (this.#unreadable <= NAMED_FAULTS) {
      this.#parts.log.warn('unreadable recording', { place, fault });
    }
  }

  #enter(phase: SourcePhase): void {
    this.#phase = phase;
    this.#since = receiveTime(this.#parts.clock.now());
  }
}
