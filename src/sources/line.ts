import { receiveTime } from '../market/time.ts';
import type { ReceiveTime } from '../market/time.ts';
import { backoffMs } from '../runtime/backoff.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Channel, ConnectionPlan, SubscribeFrame } from '../venues/venue.ts';
import type { ConnectLimit } from './connect-limit.ts';
import { Connection } from './connection.ts';
import type {
  ConnectionEnd,
  ConnectionHolder,
  ConnectionParts,
  ConnectionSettings,
} from './connection.ts';
import { Patience } from './patience.ts';
import type { SourcePhase, SymbolReport } from './source.ts';
import { pending, Subscription } from './subscription.ts';

/**
 * A renewal begins this share of the venue's greatest age before it is reached, at most so long
 * before.
 */
const RENEW_SHARE = 0.1;
const RENEW_AT_MOST_MS = 15 * 60_000;

export type LineParts = Omit<ConnectionParts, 'patience'> & {
  readonly random: () => number;
  readonly connects: ConnectLimit;
  readonly settings: Omit<ConnectionSettings, 'url'>;
  /** Subscribe frames for some of the plan's symbols. */
  readonly frames: (symbols: readonly string[]) => readonly SubscribeFrame[];
  /** The number of the next connection of the source. */
  readonly number: () => number;
  readonly counts: LineCounts;
};

/** What the lines of a source count together; renewals and our own stop are no disconnects. */
export type LineCounts = {
  connects: number;
  disconnects: number;
  reconnects: number;
  mutes: number;
};

export type LineReport = {
  readonly phase: SourcePhase;
  readonly since: ReceiveTime;
  readonly reason: string | undefined;
  readonly open: number;
  readonly symbols: readonly SymbolReport[];
};

/**
 * One plan kept connected for ever: dials, backs off, dials again; renews before the venue's
 * greatest age, and replaces what lacks a channel, the new connection first. Two connections at a
 * time are the most, and only while one follows the other.
 */
export class Line implements ConnectionHolder {
  #plan: ConnectionPlan;
  #settings: LineParts['settings'];
  readonly #parts: LineParts;
  readonly #alive = new Set<Connection>();
  #phase: SourcePhase = 'idle';
  #since: ReceiveTime;
  #reason: string | undefined;
  #symbols: readonly SymbolReport[];
  #current: Connection | undefined;
  #successor: Connection | undefined;
  #dialling: Timer | undefined;
  #renewal: Timer | undefined;
  #takeover: Timer | undefined;
  #attempt = 0;
  #wasOpen = false;
  readonly #patience: Patience;
  /** The channel whose silence a new connection is to end, until it speaks again. */
  #missing: Channel | undefined;
  /** The connection that is replaced for it, heard until then. */
  #muted: Connection | undefined;
  #stopped: (() => void) | undefined;

  constructor(plan: ConnectionPlan, parts: LineParts) {
    this.#plan = plan;
    this.#settings = parts.settings;
    this.#parts = parts;
    this.#since = receiveTime(parts.clock.now());
    this.#patience = new Patience(parts.timing.muteCapMs);
    this.#symbols = plan.symbols.map(pending);
  }

  start(): void {
    this.#enter('connecting', undefined);
    this.#dialAfter(0);
  }

  /**
   * Takes another plan over. Symbols that came to it are asked for on the connection as it is;
   * where others left it, or `settings` are given, a new connection takes over from the old one,
   * which is heard until then.
   */
  revise(plan: ConnectionPlan, settings?: LineParts['settings']): void {
    const before = this.#plan;
    const symbols = new Set(plan.symbols);
    const known = new Map(this.#symbols.map((report) => [report.symbol, report]));
    this.#plan = plan;
    this.#settings = settings ?? this.#settings;
    if (settings !== undefined) this.#missing = undefined;
    this.#symbols = plan.symbols.map((symbol) => known.get(symbol) ?? pending(symbol));
    if (this.#current === undefined) return;
    const grown = before.symbols.every((symbol) => symbols.has(symbol)) && plan.url === before.url;
    if (grown && settings === undefined) {
      for (const connection of [this.#current, this.#successor]) {
        connection?.subscribe(plan.symbols);
      }
    } else {
      this.#dropSuccessor();
      this.#dialAfter(0);
    }
  }

  /** Resolves when no connection is left. Call once. */
  async stop(): Promise<void> {
    this.#enter('stopped', undefined);
    for (const timer of [this.#dialling, this.#renewal, this.#takeover]) timer?.cancel();
    if (this.#alive.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      for (const connection of this.#alive) connection.close('stopped');
    });
  }

  report(): LineReport {
    const symbols = (): readonly SymbolReport[] =>
      this.#current?.subscription.report() ?? this.#symbols;
    return {
      phase: this.#phase,
      since: this.#since,
      reason: this.#reason,
      open: [...this.#alive].filter((connection) => connection.isOpen).length,
      get symbols() {
        return symbols();
      },
    };
  }

  opened(connection: Connection): number {
    const { counts, number, log } = this.#parts;
    counts.connects += 1;
    if (connection === this.#current) {
      if (this.#wasOpen) counts.reconnects += 1;
      if (this.#phase !== 'mute') this.#enter('subscribing', this.#reason);
    }
    this.#wasOpen = true;
    this.#renewInTime();
    const given = number();
    log.info('connected', { connection: given, symbols: this.#plan.symbols.length });
    return given;
  }

  heard(connection: Connection, channel: Channel): void {
    this.#attempt = 0;
    this.#patience.restore('connection');
    if (channel === this.#missing) this.#missing = undefined;
    if (connection === this.#successor) this.#takeOverWhenReady(connection);
    else if (connection === this.#current && this.#missing === undefined)
      this.#enter('open', undefined);
  }

  settled(connection: Connection): void {
    if (connection === this.#successor) this.#takeOverWhenReady(connection);
    else if (connection === this.#current && this.#phase !== 'mute') this.#enter('open', undefined);
  }

  mute(connection: Connection, channel: Channel, reason: string): void {
    if (connection !== this.#current || connection === this.#muted) return;
    const { clock, counts, timing, random, log } = this.#parts;
    this.#muted = connection;
    this.#missing = channel;
    this.#patience.lengthen(channel);
    counts.mutes += 1;
    this.#enter('mute', reason);
    log.warn('a channel is mute; another connection is to bring it', { channel, reason });
    // A successor that is there already takes over by itself.
    if (this.#successor !== undefined) return;
    this.#renewal?.cancel();
    this.#renewal = clock.after(backoffMs(timing.backoff, 0, random), () => this.#renew());
  }

  ended(connection: Connection, end: ConnectionEnd): void {
    this.#alive.delete(connection);
    if (this.#phase === 'stopped') {
      if (this.#alive.size === 0) this.#stopped?.();
    } else if (connection === this.#successor) {
      this.#count(connection, end);
      this.#forgetSuccessor();
      this.#renewal?.cancel();
      this.#dialAfter(this.#wait(end));
    } else if (connection === this.#current) {
      this.#count(connection, end);
      this.#missing = end.mute === 'connection' ? undefined : end.mute;
      this.#symbols = afterLoss(this.#plan.symbols, connection.subscription.report());
      this.#current = this.#successor;
      this.#forgetSuccessor();
      if (this.#current === undefined) this.#reconnect(end);
      else this.#adopted(this.#current, end.reason);
    }
  }

  #count(connection: Connection, end: ConnectionEnd): void {
    const { counts } = this.#parts;
    if (end.wasOpen) counts.disconnects += 1;
    if (end.mute === undefined) return;
    counts.mutes += 1;
    const isNoHelp = end.mute !== 'connection' || !connection.hasData;
    if (isNoHelp) this.#patience.lengthen(end.mute);
  }

  #reconnect(end: ConnectionEnd): void {
    this.#renewal?.cancel();
    this.#enter(end.mute === undefined ? 'backing_off' : 'mute', end.reason);
    this.#dialAfter(this.#wait(end));
  }

  #wait(end: ConnectionEnd): number {
    const { timing, random, log } = this.#parts;
    const policy = end.throttled ? timing.throttled : timing.backoff;
    const wait = backoffMs(policy, this.#attempt, random);
    this.#attempt += 1;
    log.warn('no connection; trying again', { reason: end.reason, waitMs: wait });
    return wait;
  }

  /** Replaces a dial that was waiting: there is one at a time. */
  #dialAfter(ms: number): void {
    const { clock, connects } = this.#parts;
    this.#dialling?.cancel();
    this.#dialling = clock.after(ms, () => {
      this.#dialling = clock.after(connects.book(), () => this.#dial());
    });
  }

  #dial(): void {
    const connection = new Connection(
      { ...this.#settings, url: this.#plan.url },
      this.#subscription(),
      { ...this.#parts, patience: this.#patience },
      this,
    );
    this.#alive.add(connection);
    if (this.#current === undefined) {
      this.#current = connection;
      if (this.#phase !== 'mute') this.#enter('connecting', this.#reason);
    } else {
      this.#successor = connection;
    }
    connection.open();
  }

  #subscription(): Subscription {
    const { confirmsPerSymbol } = this.#parts.venue.facts;
    const known = this.#current?.subscription.report() ?? this.#symbols;
    const planned = new Set(this.#plan.symbols);
    const refused = known
      .filter(({ state, symbol }) => state === 'refused' && planned.has(symbol))
      .map(({ symbol }) => symbol);
    return new Subscription({
      plan: this.#plan,
      confirmsPerSymbol,
      frames: this.#parts.frames,
      refusedBefore: confirmsPerSymbol ? [] : refused,
    });
  }

  #renewInTime(): void {
    const { venue, clock, random } = this.#parts;
    const age = venue.facts.maxConnectionAgeMs;
    this.#renewal?.cancel();
    if (age === undefined) return;
    const margin = Math.min(age * RENEW_SHARE, RENEW_AT_MOST_MS) * (0.5 + random() / 2);
    this.#renewal = clock.after(age - margin, () => this.#renew());
  }

  /** Waits while two connections are there. A successor that has itself grown old takes over. */
  #renew(): void {
    if (this.#alive.size <= 1) {
      this.#dialAfter(0);
      return;
    }
    if (this.#successor?.isOpen === true) this.#takeOver();
    const { clock, timing } = this.#parts;
    this.#renewal = clock.after(timing.tickMs, () => this.#renew());
  }

  /** The new connection takes over with its first data; on a quiet market after the overlap. */
  #takeOverWhenReady(successor: Connection): void {
    if (!successor.subscription.settled) return;
    if (successor.hasData) this.#takeOver();
    else
      this.#takeover ??= this.#parts.clock.after(this.#parts.timing.overlapMs, () =>
        this.#takeOver(),
      );
  }

  #takeOver(): void {
    const [old, successor] = [this.#current, this.#successor];
    if (successor === undefined) return;
    this.#current = successor;
    this.#forgetSuccessor();
    this.#adopted(successor, undefined);
    old?.retire('renewed');
  }

  #adopted(connection: Connection, reason: string | undefined): void {
    const { subscription } = connection;
    if (this.#missing !== undefined) return;
    if (!connection.isOpen) this.#enter('connecting', reason);
    else this.#enter(connection.hasData || subscription.settled ? 'open' : 'subscribing', reason);
  }

  /** A successor that was dialled for a plan of before. */
  #dropSuccessor(): void {
    const outdated = this.#successor;
    this.#forgetSuccessor();
    outdated?.close('the symbols changed');
  }

  #forgetSuccessor(): void {
    this.#successor = undefined;
    this.#takeover?.cancel();
    this.#takeover = undefined;
  }

  #enter(phase: SourcePhase, reason: string | undefined): void {
    if (this.#phase === 'stopped') return;
    if (this.#phase !== phase) this.#since = receiveTime(this.#parts.clock.now());
    this.#phase = phase;
    this.#reason = reason;
  }
}

/** Without a connection nothing is subscribed; what the venue refused stays known. */
const afterLoss = (
  planned: readonly string[],
  symbols: readonly SymbolReport[],
): readonly SymbolReport[] => {
  const refused = symbols.filter(({ state }) => state === 'refused');
  const known = new Map(refused.map((report) => [report.symbol, report]));
  return planned.map((symbol) => known.get(symbol) ?? pending(symbol));
};
