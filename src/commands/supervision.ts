import { readSupervisor, type Supervisor } from '../config/supervisor.ts';
import { healthOf } from '../pipeline/health.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { openNotify, type Notify } from '../runtime/notify.ts';

const LOOK_MS = 1000;
/** Beyond `pipeline.drain_ms`: to close what is open. */
const CLOSING_MS = 10_000;

type Supervised = {
  readonly pipeline: Pipeline;
  readonly clock: Clock;
  readonly log: Log;
  readonly drainMs: number;
  /** Aborted when the program is told to stop. */
  readonly finish: AbortSignal;
  readonly supervisor?: Supervisor | undefined;
};

/**
 * Tells systemd (`Type=notify`) READY once the pipeline runs, whether or not its venues answer yet;
 * a line of status; that it stops, and how long that may take; and, at half of WATCHDOG_USEC, that
 * the event loop turns. Does nothing where no supervisor listens.
 */
export const tellSupervisor = (parts: Supervised): Timer => {
  const { supervisor = readSupervisor(), clock, log } = parts;
  if (supervisor === undefined) return { cancel: () => {} };
  const notify = openNotify(supervisor.socket);
  if (notify === undefined) {
    log.warn('cannot tell the supervisor how things are', { socket: supervisor.socket });
    return { cancel: () => {} };
  }
  const tell = tellState(parts, notify);
  tell();
  parts.finish.addEventListener('abort', tell, { once: true });
  const timers = [clock.every(LOOK_MS, tell)];
  if (supervisor.watchdogMs !== undefined) {
    timers.push(clock.every(supervisor.watchdogMs / 2, () => void notify('WATCHDOG=1')));
  }
  return { cancel: () => timers.forEach((timer) => timer.cancel()) };
};

/** Tells what has changed since it was last called. */
const tellState = (parts: Supervised, notify: Notify): (() => void) => {
  const { pipeline, clock, drainMs, finish } = parts;
  let told = '';
  let ready = false;
  let stopping = false;
  return () => {
    const stops = finish.aborted || pipeline.state === 'draining';
    const status = `STATUS=${stops ? 'draining, ' : ''}${statusLine(pipeline, clock.now())}`;
    const news = status === told ? [] : [status];
    told = status;
    if (!ready && pipeline.state === 'running') {
      ready = true;
      news.unshift('READY=1');
    }
    if (!stopping && stops) {
      stopping = true;
      news.unshift('STOPPING=1', `EXTEND_TIMEOUT_USEC=${(drainMs + CLOSING_MS) * 1000}`);
    }
    if (news.length > 0) notify(...news);
  };
};

/** One line for `systemctl status`. */
const statusLine = (pipeline: Pipeline, now: number): string => {
  const { status, entries } = healthOf(pipeline, now);
  const open = pipeline.sources.filter((source) => source.report().phase === 'open').length;
  const rows = Object.values(pipeline.ledger.rows).reduce(
    (sum, { committed }) => sum + committed,
    0,
  );
  const worst = entries.find((entry) => entry.status !== 'healthy');
  return [
    status,
    `${open} of ${pipeline.sources.length} sources open`,
    `${rows.toLocaleString('en-US')} rows committed`,
    ...(worst === undefined ? [] : [`${worst.name}: ${worst.reason ?? worst.status}`]),
  ].join(', ');
};
