/** Closed: what went wrong, decided by SQLSTATE, close code or errno, never by message text. */
export type ErrorCode =
  | 'usage'
  | 'config'
  | 'connect'
  | 'deadline'
  | 'aborted'
  | 'database_away'
  | 'database_refused'
  | 'schema_newer'
  | 'schema_missing'
  | 'locked'
  | 'disk'
  | 'input'
  | 'instrument_limit'
  | 'invariant';

export type ErrorOptions = {
  /** Whether doing the same again later can help. */
  readonly retry?: boolean;
  /** What an operator can do about it. */
  readonly hint?: string;
  /** Names, codes and counts for the log; never rows or secrets. */
  readonly context?: Readonly<Record<string, string | number | boolean>>;
  readonly cause?: unknown;
};

/** The one error class. */
export class MdpError extends Error {
  readonly code: ErrorCode;
  readonly retry: boolean;
  readonly hint: string | undefined;
  readonly context: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'MdpError';
    this.code = code;
    this.retry = options.retry ?? false;
    this.hint = options.hint;
    this.context = options.context ?? {};
  }
}
