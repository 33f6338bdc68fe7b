import type { SourceReport } from '../sources/source.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * How long after the last loss the program counts as losing data, and then as not yet healthy
 * again.
 */
const LOSING_US = 5_000_000;
const AFTERMATH_US = 60_000_000;

export type HealthState = 'healthy' | 'degraded' | 'unhealthy';

export type HealthEntry = {
  readonly kind: 'source' | 'sink' | 'data';
  readonly name: string;
  readonly status: HealthState;
  readonly reason: string | undefined;
  /** Since when, µs since the epoch. */
  readonly since: number;
};

export type Health = { readonly status: HealthState; readonly entries: readonly HealthEntry[] };

/**
 * How the program is doing, truthfully: `unhealthy` while data is being lost or nothing can work,
 * `degraded` for a minute after a loss and while a part is away but what comes is kept.
 */
export const healthOf = (pipeline: Pipeline, now: number): Health => {
  const sources = pipeline.sources.map((source) => sourceEntry(source.report()));
  const entries = [...sources, sinkEntry(pipeline), lossEntry(pipeline, now)];
  const dead = sources.length > 0 && sources.every(({ status }) => status !== 'healthy');
  const worst = worstOf(entries.map(({ status }) => status));
  return { status: dead && worst === 'degraded' ? deadStatus(pipeline) : worst, entries };
};

/** Ready: every source has been open once. */
export const isReady = (pipeline: Pipeline): boolean =>
  pipeline.state === 'running' &&
  pipeline.sources.every((source) => {
    const { phase, connects } = source.report();
    return phase === 'open' || phase === 'ended' || (connects > 0 && phase !== 'subscribing');
  });

const sourceEntry = (report: SourceReport): HealthEntry => ({
  kind: 'source',
  name: report.name,
  status: sourceHealth(report),
  reason: report.reason ?? report.phase,
  since: report.since,
});

const sourceHealth = ({ phase, symbols }: SourceReport): HealthState => {
  if (phase !== 'open' && phase !== 'ended') return 'degraded';
  return symbols.some(({ state }) => state === 'refused') ? 'degraded' : 'healthy';
};

const sinkEntry = ({ sinkStats, sinkName, startedAt }: Pipeline): HealthEntry => {
  const { failure, failingSince, workersOpen } = sinkStats;
  const base = { kind: 'sink', name: sinkName } as const;
  if (failure !== undefined) {
    const status = failure.retry ? 'degraded' : 'unhealthy';
    const reason = `${failure.code}: ${failure.reason}`;
    return { ...base, status, reason, since: failingSince ?? startedAt };
  }
  if (workersOpen === 0) {
    return { ...base, status: 'degraded', reason: 'not yet connected', since: startedAt };
  }
  return { ...base, status: 'healthy', reason: undefined, since: startedAt };
};

const lossEntry = ({ lastLossAt, startedAt }: Pipeline, now: number): HealthEntry => {
  const base = { kind: 'data', name: 'loss' } as const;
  if (lastLossAt === undefined || now - lastLossAt >= AFTERMATH_US) {
    return { ...base, status: 'healthy', reason: undefined, since: lastLossAt ?? startedAt };
  }
  const losing = now - lastLossAt < LOSING_US;
  return {
    ...base,
    status: losing ? 'unhealthy' : 'degraded',
    reason: losing ? 'data is being dropped' : 'data was dropped within the last minute',
    since: lastLossAt,
  };
};

/** No source works. With none of them ever open and the sink away too, nothing can work. */
const deadStatus = ({ sinkStats }: Pipeline): HealthState =>
  sinkStats.failure === undefined ? 'degraded' : 'unhealthy';

const worstOf = (states: readonly HealthState[]): HealthState => {
  if (states.includes('unhealthy')) return 'unhealthy';
  return states.includes('degraded') ? 'degraded' : 'healthy';
};
