import type { Log } from '../../src/runtime/log.ts';

const nothing = (): void => {};

/** For tests that are not about the log. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  with: () => silentLog,
};
