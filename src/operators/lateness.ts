import type { ReceiveTime } from '../market/time.ts';
import { agedAt, loadConnection, maxBehind, saveConnection } from './coverage.ts';
import type { Connection, ConnectionJson, Feed } from './coverage.ts';
import { MICROS_PER_MS, NEVER } from './instants.ts';

/** The most that a quiet instrument ages by one tick. */
const MAX_STEP_MS = 250;
const maxStep = MAX_STEP_MS * MICROS_PER_MS;

/**
 * How far an instrument's time has come by the venue's clock. It moves with its trades and, while
 * it is quiet, with the ticks of the connection of its last trade; it never goes back. Our clock
 * only says how long it has been quiet: it is never compared with the venue's.
 */
export type Progress = {
  /** Greatest event time of the trades that count; `NEVER` before the first. */
  greatest: number;
  watermark: number;
  /** Whose ticks age it; undefined while its connection is down. */
  connection: Connection | undefined;
  /** `connection.aged` at the last trade: what came on top of it is how long it has been quiet. */
  agedBefore: number;
  /**
   * Bars that end here or before were final when state was loaded, whatever lateness is allowed
   * now.
   */
  finalTo: number;
};

export type ProgressJson = {
  readonly greatest: number;
  readonly watermark: number;
  readonly connection: ConnectionJson | null;
  readonly agedBefore: number;
  readonly finalTo: number;
};

export function createProgress(): Progress {
  return {
    greatest: NEVER,
    watermark: NEVER,
    connection: undefined,
    agedBefore: 0,
    finalTo: NEVER,
  };
}

/** Whether a trade comes too late for its bar, before it moves the watermark. */
export function isLate(progress: Progress, eventTime: number, lateness: number): boolean {
  return eventTime < Math.max(progress.watermark - lateness, progress.finalTo);
}

/** Lets `connection` age by a tick at `now`, when it had last been heard at `arrival`. */
export function ageConnection(
  connection: Connection,
  now: ReceiveTime,
  arrival: ReceiveTime,
): void {
  const heard = Math.min(arrival, now);
  if (heard <= connection.agedTo) return;
  const from = Math.max(connection.agedTo, heard - maxBehind);
  const step = Math.min(maxStep, heard - from);
  connection.aged += step;
  connection.agedTo = from + step;
}

/** A trade that counts, on `connection`: true when the watermark moved. */
export function noteTrade(
  progress: Progress,
  eventTime: number,
  at: ReceiveTime,
  connection: Connection,
): boolean {
  progress.connection = connection;
  progress.agedBefore = agedAt(connection, at);
  if (eventTime > progress.greatest) progress.greatest = eventTime;
  if (eventTime <= progress.watermark) return false;
  progress.watermark = eventTime;
  return true;
}

/** Lets the instrument age as far as its connection has: true when the watermark moved. */
export function ageQuietly(progress: Progress): boolean {
  if (progress.connection === undefined || progress.greatest === NEVER) return false;
  const quiet = progress.connection.aged - progress.agedBefore;
  const aged = progress.greatest + quiet;
  if (quiet <= 0 || aged <= progress.watermark) return false;
  progress.watermark = aged;
  return true;
}

/** The connection is gone: time stands still, and what it has been quiet so far is kept. */
export function detach(progress: Progress): void {
  if (progress.connection === undefined) return;
  progress.agedBefore = Math.min(0, progress.agedBefore - progress.connection.aged);
  progress.connection = undefined;
}

/** From `at` on the instrument ages with `connection`. */
export function attach(progress: Progress, connection: Connection, at: ReceiveTime): void {
  detach(progress);
  progress.connection = connection;
  progress.agedBefore += agedAt(connection, at);
}

export function saveProgress(progress: Progress): ProgressJson {
  return { ...progress, connection: saveConnection(progress.connection) };
}

/** `before` and `now` are the lateness allowed when it was saved, and now. */
export function loadProgress(
  json: ProgressJson,
  feeds: ReadonlyMap<string, Feed>,
  before: number,
  now: number,
): Progress {
  const connection = loadConnection(json.connection, feeds);
  if (before === now) return { ...json, connection };
  return { ...json, connection, finalTo: Math.max(json.finalTo, json.watermark - before) };
}
