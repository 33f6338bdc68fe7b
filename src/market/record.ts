import type { ReceiveTime } from './time.ts';

/**
 * The record: what a source hands on and the journal keeps. Records are the only input of decode
 * and the operators, and receive times of records the only clock they see: same records in, same
 * rows out.
 *
 * `connection` numbers the sockets of a source in the order they were opened, from 1, and is never
 * reused.
 */
export type MarketRecord = FrameRecord | TickRecord | StateRecord;

/** One WebSocket message, verbatim. */
export type FrameRecord = {
  readonly kind: 'frame';
  readonly receiveTime: ReceiveTime;
  readonly source: string;
  readonly connection: number;
  readonly text: string;
};

/** Appended every 250 ms for each open connection, busy or silent. No policy drops it. */
export type TickRecord = {
  readonly kind: 'tick';
  readonly receiveTime: ReceiveTime;
  readonly source: string;
  readonly connection: number;
  /** The last arrival on the connection: a frame, a heartbeat, or the pong to our ping. */
  readonly arrival: ReceiveTime;
};

/**
 * started: the source begins, nothing was received before. connected: the socket is open.
 * subscribed: the venue will send `symbols` from now on. refused: it will not send them. mute:
 * connected, but no data (the connection is being replaced). lost: the socket is gone. dropped:
 * `count` frames were given up here by policy. ended: no more records of this source.
 */
export type SourceState =
  'started' | 'connected' | 'subscribed' | 'refused' | 'mute' | 'lost' | 'dropped' | 'ended';

/** A change of a source's state. No policy drops it. */
export type StateRecord = {
  readonly kind: 'state';
  readonly receiveTime: ReceiveTime;
  readonly source: string;
  readonly connection: number;
  readonly state: SourceState;
  /**
   * subscribed and refused: which symbols. started: the venue's id. dropped: the reason, where it
   * was the source's own. Otherwise empty.
   */
  readonly symbols: readonly string[];
  /** dropped: how many frames; otherwise 0. */
  readonly count: number;
};
