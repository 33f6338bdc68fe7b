/**
 * A WebSocket as the sources need it: told what happens through `SocketEvents`, held by the caller.
 * `web-socket/` has the openers; a test or a simulator passes another.
 */
export interface Socket {
  send(text: string): void;
  /** `payload` comes back with its answer; up to 125 bytes. */
  ping(payload?: string): void;
  pong(): void;
  /**
   * Stops reading; a few frames that were already decoded may still come. While paused no ping is
   * answered, and what lies unread is lost if the other side resets the connection.
   */
  pause(): void;
  resume(): void;
  /** Asks the other side to close. No frame is delivered afterwards. */
  close(): void;
  /**
   * Cuts the connection at once, also while it is being opened. Behind `closed` it lets go of what
   * a venue that does not close its side still holds.
   */
  terminate(): void;
}

export interface SocketEvents {
  opened(): void;
  /** Bytes came: the messages, pings and pongs up to `told` are in them. */
  received(): void;
  told(): void;
  /** A message, `bytes` long in UTF-8. */
  message(text: string, bytes: number): void;
  pinged(): void;
  /** The answer to a ping of ours, behind everything that was sent before it. */
  ponged(payload: string): void;
  /** Could not be opened, or broke; `closed` follows. */
  failed(failure: SocketFailure): void;
  /** 1006: without a close frame. */
  closed(code: number, reason: string): void;
}

export type SocketFailure = {
  /** In words for an operator; no secrets. */
  readonly message: string;
  /** Of the answer that refused the upgrade. */
  readonly status?: number | undefined;
  /** A message of more than `maxFrameBytes` came, and was cut off unread. */
  readonly oversized?: boolean;
};

export type SocketOptions = {
  readonly maxFrameBytes: number;
  readonly compression: boolean;
  /** http:// or https:// address of a proxy to go through. */
  readonly proxy: string | undefined;
  /** Certificates in PEM to trust instead of the system's. */
  readonly ca: string | undefined;
};

/** Begins to open; everything else, failures too, comes as an event, never before this returns. */
export type OpenSocket = (url: string, options: SocketOptions, events: SocketEvents) => Socket;
