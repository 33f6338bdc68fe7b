/**
 * One WebSocket from its opening to its end: connects within a deadline, subscribes at the venue's
 * pace, stamps and hands on every frame, ticks, pings, notices silence, and pauses while the intake
 * is full. It ends once, says why, and is never opened again. It does not decide what happens next:
 * that is its line's.
 *
 * Frames are stamped with the time at which their bytes were read, and handed on before anyone else
 * has a turn: what is counted is in the intake. What they mean for the connection is read then, in
 * batches; whatever else the connection tells comes behind them.
 */
import { receiveTime } from '../market/time.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { withoutSecrets } from '../runtime/without-secrets.ts';
import type { Channel, Classified, Venue } from '../venues/venue.ts';
import { Asking } from './asking.ts';
import { Farewell, LAST_PING } from './farewell.ts';
import { FrameBatch } from './frame-batch.ts';
import type { MuteSubject, Patience } from './patience.ts';
import { Reading } from './reading.ts';
import type { OpenSocket, Socket, SocketFailure, SocketOptions } from './socket.ts';
import type { Intake } from './source.ts';
import type { Subscription } from './subscription.ts';
import type { Timing } from './timing.ts';
import type { Traffic } from './traffic.ts';
import { Watch } from './watch.ts';

/** Statuses by which venues tell a client to stay away for a while. */
const THROTTLED = new Set([403, 418, 429]);

export type ConnectionSettings = SocketOptions & {
  readonly url: string;
  readonly connectTimeoutMs: number;
  readonly channels: readonly Channel[];
  /** Without data for this long the connection, or a channel of it, is mute; 0 = never. */
  readonly muteAfterMs: number;
};

export type ConnectionParts = {
  readonly venue: Venue;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSocket: OpenSocket;
  readonly timing: Timing;
  readonly traffic: Traffic;
  readonly patience: Patience;
};

/** Whoever holds the connection. Never called before `open()` returned, and not after `ended`. */
export interface ConnectionHolder {
  /** The socket is open; gives the connection its number. */
  opened(connection: Connection): number;
  /** The first data frame of a channel. */
  heard(connection: Connection, channel: Channel): void;
  /** Every subscribe frame was answered or given up. */
  settled(connection: Connection): void;
  /** A channel is mute while others flow; told at every tick, and nothing is done about it here. */
  mute(connection: Connection, channel: Channel, reason: string): void;
  ended(connection: Connection, end: ConnectionEnd): void;
}

export type ConnectionEnd = {
  /** In words for an operator, close codes and statuses included. */
  readonly reason: string;
  /** The venue asks us to stay away for longer. */
  readonly throttled: boolean;
  /** Open, but no data came for `muteAfterMs`, or not those of a channel and no others. */
  readonly mute: MuteSubject | undefined;
  readonly wasOpen: boolean;
};

export class Connection {
  readonly subscription: Subscription;
  readonly #settings: ConnectionSettings;
  readonly #parts: ConnectionParts;
  readonly #holder: ConnectionHolder;
  readonly #timers = new Set<Timer>();
  #phase: 'connecting' | 'open' | 'closing' | 'ended' = 'connecting';
  #socket: Socket | undefined;
  #number = 0;
  #failure: SocketFailure | undefined;
  #leaving: string | undefined;
  #farewell: Farewell | undefined;

  /** Of the bytes that are being read. */
  #receiveTime = receiveTime(0);
  #arrival = receiveTime(0);
  readonly #watch: Watch;
  readonly #asking: Asking;
  #lacksTrades = false;

  readonly #frames: FrameBatch;
  readonly #reading: Reading;

  constructor(
    settings: ConnectionSettings,
    subscription: Subscription,
    parts: ConnectionParts,
    holder: ConnectionHolder,
  ) {
    this.#settings = settings;
    this.subscription = subscription;
    this.#parts = parts;
    this.#holder = holder;
    this.#reading = new Reading(parts);
    this.#frames = new FrameBatch({
      take: (time, texts) => parts.intake.frameBatch(time, this.#number, texts),
      classify: (text) => parts.venue.classify(text),
      heed: (classified) => this.#heed(classified),
    });
    this.#asking = new Asking({
      subscription,
      maxSendsPerSecond: parts.venue.facts.maxSendsPerSecond,
      confirmMs: parts.timing.confirmMs,
      send: (text) => this.#socket?.send(text),
      later: (ms, call) => this.#later(ms, call),
      settled: () => holder.settled(this),
    });
    this.#watch = new Watch({
      ...settings,
      patience: parts.patience,
      timing: parts.timing,
      asked: (symbol) => subscription.has(symbol),
    });
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Whether market data has come. */
  get hasData(): boolean {
    return this.#watch.hasData;
  }

  /** Begins; call once. */
  open(): void {
    const { clock, openSocket } = this.#parts;
    const { url, connectTimeoutMs } = this.#settings;
    this.#later(connectTimeoutMs, () => {
      if (this.#phase === 'connecting') this.#cut(`not open after ${connectTimeoutMs} ms`);
    });
    try {
      this.#socket = openSocket(url, this.#settings, {
        opened: () => this.#opened(),
        received: () => {
          this.#receiveTime = receiveTime(clock.now());
        },
        message: (text, bytes) => this.#message(text, bytes),
        told: () => this.#frames.flush(),
        pinged: () => this.#arrived(),
        ponged: (payload) => {
          this.#arrived();
          if (payload === LAST_PING) this.#farewell?.answered();
        },
        failed: (failure) => {
          this.#failure = failure;
        },
        closed: (code, reason) => this.#closed(code, reason),
      });
    } catch (error) {
      // An address that the client refuses to dial: nothing was open, so nothing is lost; told like
      // any failed connect.
      const reason = `cannot dial: ${withoutSecrets(String(error))}`;
      this.#later(0, () => this.#end({ reason }));
    }
  }

  /** Asks for further symbols; what comes already goes on coming. */
  subscribe(symbols: readonly string[]): void {
    this.subscription.add(symbols);
    if (this.#phase === 'open') this.#asking.goOn();
  }

  /**
   * Closes once everything that the venue had sent before has been read; never while reading is
   * paused, for which the venue may close first.
   */
  retire(reason: string): void {
    if (this.#phase !== 'open') {
      this.close(reason);
      return;
    }
    this.#farewell = new Farewell(reason, this.#parts.timing);
    this.#socket?.ping(LAST_PING);
  }

  /**
   * Ends in order: close frame, and after a while the cut. Frames that were not read yet are not
   * read any more.
   */
  close(reason: string): void {
    if (this.#phase === 'connecting') {
      this.#cut(reason);
    } else if (this.#phase === 'open') {
      this.#phase = 'closing';
      this.#leaving = reason;
      this.#readAgain();
      this.#cancelTimers();
      this.#frames.flush();
      this.#socket?.close();
      this.#later(this.#parts.timing.closeMs, () => this.#cut(reason));
    }
  }

  #opened(): void {
    if (this.#phase !== 'connecting') return;
    const { clock, timing } = this.#parts;
    this.#phase = 'open';
    this.#cancelTimers();
    this.#number = this.#holder.opened(this);
    this.#arrival = receiveTime(clock.now());
    this.#state('connected');
    this.#timers.add(clock.every(timing.tickMs, () => this.#tick()));
    this.#state('subscribed', this.subscription.opened());
    this.#asking.begin();
  }

  #message(text: string, bytes: number): void {
    if (this.#phase !== 'open') return;
    const { traffic } = this.#parts;
    traffic.frames += 1;
    traffic.bytes += bytes;
    traffic.lastFrameAt = this.#receiveTime;
    this.#arrived();
    this.#watch.frame();
    this.#frames.add(this.#receiveTime, text, bytes);
    if (bytes === 0) {
      // Bun's client has delivered empty messages in place of compressed ones: what follows is not
      // to be trusted.
      traffic.emptyFrames += 1;
      this.#cut('an empty frame');
      return;
    }
    if (this.#socket !== undefined) this.#reading.pauseWhenFull(this.#socket);
  }

  #arrived(): void {
    this.#arrival = this.#receiveTime;
    this.#watch.arrived();
  }

  #heed(classified: Classified): void {
    if (classified.kind === 'data') {
      this.#heard(classified);
    } else if (classified.kind === 'ack' || classified.kind === 'refused') {
      this.#answer(classified);
    } else if (classified.kind === 'heartbeat' && classified.lastTrade !== undefined) {
      this.#watch.heartbeat(classified.lastTrade);
    }
  }

  #heard({ channel, lastTrade }: Extract<Classified, { readonly kind: 'data' }>): void {
    if (this.#watch.data(channel, lastTrade)) this.#holder.heard(this, channel);
  }

  #answer(answer: Parameters<Subscription['answer']>[0]): void {
    const settled = this.subscription.settled;
    const { subscribed, refused } = this.subscription.answer(answer);
    this.#state('subscribed', subscribed);
    if (refused.length > 0) {
      this.#state('refused', refused);
      this.#parts.log.warn('venue refused symbols', {
        count: refused.length,
        symbols: refused.slice(0, 10).join(' '),
        reason: answer.reason,
      });
    }
    if (this.#phase !== 'open') return;
    this.#asking.goOn();
    if (!settled && this.subscription.settled) this.#holder.settled(this);
  }

  #tick(): void {
    const { clock, intake } = this.#parts;
    this.#frames.handOn();
    intake.tick(receiveTime(clock.now()), this.#number, this.#arrival);
    if (this.#reading.isPaused) return;
    if (this.#farewell !== undefined) {
      if (this.#farewell.tick()) this.close(this.#farewell.reason);
      return;
    }
    const finding = this.#watch.tick();
    if (finding === undefined) return;
    if (finding.kind === 'ping') {
      this.#socket?.ping();
    } else if (finding.kind === 'dead') {
      this.#cut(finding.reason);
    } else if (finding.subject === 'connection' || !finding.othersFlow) {
      this.#state('mute');
      this.#cut(finding.reason, finding.subject);
    } else {
      this.#lacks(finding.subject);
      this.#holder.mute(this, finding.subject, finding.reason);
    }
  }

  /** Whether bars are whole hangs on the trades alone. */
  #lacks(channel: Channel): void {
    if (channel !== 'trades' || this.#lacksTrades) return;
    this.#lacksTrades = true;
    this.#state('mute');
  }

  #readAgain(): void {
    if (this.#socket !== undefined) this.#reading.end(this.#socket);
  }

  #closed(code: number, reason: string): void {
    const failure = this.#failure;
    const words =
      failure?.message ??
      (reason === '' ? `closed with code ${code}` : `closed with code ${code}: ${reason}`);
    if (failure?.oversized === true) this.#cutOffUnread();
    const throttled = failure?.status !== undefined && THROTTLED.has(failure.status);
    this.#end({ reason: this.#leaving ?? words, throttled });
    const { clock, timing } = this.#parts;
    // The venue may keep its side open.
    clock.after(timing.closeMs, () => this.#socket?.terminate());
  }

  /** The client gave up a frame that was too large. */
  #cutOffUnread(): void {
    const { clock, traffic, intake } = this.#parts;
    traffic.frames += 1;
    traffic.oversizedFrames += 1;
    this.#frames.handOn();
    intake.dropped(receiveTime(clock.now()), this.#number, 'oversized');
  }

  #cut(reason: string, mute?: MuteSubject): void {
    if (this.#phase === 'ended') return;
    // The holder hears of it now: the socket's own close event may never come, and is ignored when
    // it does.
    this.#end({ reason: this.#leaving ?? reason, mute });
    this.#socket?.terminate();
  }

  #end(end: {
    readonly reason: string;
    readonly throttled?: boolean;
    readonly mute?: MuteSubject | undefined;
  }): void {
    if (this.#phase === 'ended') return;
    const wasOpen = this.#phase !== 'connecting';
    this.#readAgain();
    // What came last still counts, as data and as an answer; nothing is sent any more.
    this.#phase = 'closing';
    this.#frames.flush();
    this.#phase = 'ended';
    this.#cancelTimers();
    if (wasOpen) this.#state('lost');
    this.#holder.ended(this, { throttled: false, mute: undefined, ...end, wasOpen });
  }

  #state(
    state: 'connected' | 'subscribed' | 'refused' | 'mute' | 'lost',
    symbols: readonly string[] = [],
  ): void {
    const named = state === 'subscribed' || state === 'refused';
    if (named && symbols.length === 0) return;
    this.#frames.handOn();
    this.#parts.intake.state(receiveTime(this.#parts.clock.now()), this.#number, state, symbols);
  }

  #later(ms: number, call: () => void): void {
    const timer = this.#parts.clock.after(ms, () => {
      this.#timers.delete(timer);
      call();
    });
    this.#timers.add(timer);
  }

  #cancelTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
