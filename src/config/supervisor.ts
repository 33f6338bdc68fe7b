/** What a supervisor such as systemd says to the process that it starts. */
export type Supervisor = {
  /** NOTIFY_SOCKET: where to tell it how things are. */
  readonly socket: string;
  /** WATCHDOG_USEC in ms: it wants to hear at least so often; undefined = never. */
  readonly watchdogMs: number | undefined;
};

/** undefined where no supervisor listens. `WATCHDOG_PID`, where set, must be this process. */
export const readSupervisor = (
  env: Readonly<Record<string, string | undefined>> = process.env,
  pid: number = process.pid,
): Supervisor | undefined => {
  const socket = env['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return undefined;
  const meant = env['WATCHDOG_PID'] ?? '';
  const ms = Math.floor(Number(env['WATCHDOG_USEC'] ?? '') / 1000);
  const watched = ms > 0 && (meant === '' || Number(meant) === pid);
  return { socket, watchdogMs: watched ? ms : undefined };
};
