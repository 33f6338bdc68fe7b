import type { ReceiveTime } from '../market/time.ts';
import type { SourceState } from '../market/record.ts';
import type { SourceEntry } from './settings.ts';

/**
 * A source brings frames in. It owns its connections, stamps receive time once, and hands every
 * frame, tick and change of state to the intake, in order. It never parses in the socket callback
 * and never waits there.
 */
export interface Source {
  readonly name: string;
  readonly venue: string;
  /** Begins; returns at once. Everything from here on is told through the intake and `report()`. */
  start(): void;
  /** No further record after it resolves. Idempotent. */
  stop(): Promise<void>;
  /**
   * Takes a changed entry over while it runs, without missing what stays in it. False, and nothing
   * done, where only a new source can; the same where it is not there. Throws `config` before
   * anything is changed.
   */
  revise?(entry: SourceEntry): boolean;
  report(): SourceReport;
}

/** Where a source puts what it hears. Synchronous; the intake cuts the blocks. */
export interface Intake {
  frame(receiveTime: ReceiveTime, connection: number, text: string): void;
  /** Frames that came together, in order. */
  frameBatch(receiveTime: ReceiveTime, connection: number, texts: readonly string[]): void;
  tick(receiveTime: ReceiveTime, connection: number, arrival: ReceiveTime): void;
  state(
    receiveTime: ReceiveTime,
    connection: number,
    state: SourceState,
    symbols?: readonly string[],
  ): void;
  /** A frame that came and is given up unread: it is counted, and leaves a hole with its reason. */
  dropped(receiveTime: ReceiveTime, connection: number, reason: UnreadReason): void;
  /**
   * Whether a source that can wait should: always for sources that can be read again (replay),
   * under policy `block` for every source. A live source then pauses its socket.
   */
  readonly full: boolean;
  /** Resolves when there is room again, or `signal` is aborted. */
  room(signal: AbortSignal): Promise<void>;
}

/** Why a source itself gives a frame up, closed. oversized: larger than `max_frame_bytes`. */
export type UnreadReason = (typeof unreadReasons)[number];

export const unreadReasons = ['oversized'] as const;

/** idle: not started. ended: a replay that is through. */
export type SourcePhase =
  'idle' | 'connecting' | 'subscribing' | 'open' | 'mute' | 'backing_off' | 'ended' | 'stopped';

/** A snapshot for health, status and metrics. Counters rise from process start. */
export type SourceReport = {
  readonly name: string;
  readonly venue: string;
  readonly phase: SourcePhase;
  /** Receive time at which the phase was entered, and why, in words for an operator. */
  readonly since: ReceiveTime;
  readonly reason: string | undefined;
  readonly connectionsOpen: number;
  readonly connects: number;
  readonly disconnects: number;
  readonly reconnects: number;
  readonly mutes: number;
  readonly frames: number;
  readonly bytes: number;
  readonly emptyFrames: number;
  readonly oversizedFrames: number;
  readonly lastFrameAt: ReceiveTime | undefined;
  readonly pausedSeconds: number;
  readonly symbols: readonly SymbolReport[];
  /** Of a replay: read and total bytes of input. */
  readonly progress: { readonly done: number; readonly total: number } | undefined;
};

export type SymbolReport = {
  readonly symbol: string;
  readonly state: 'pending' | 'subscribed' | 'unconfirmed' | 'refused';
  readonly reason: string | undefined;
};
