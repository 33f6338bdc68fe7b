import type { SourceReport, SymbolReport } from '../sources/source.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * How long after the last loss the program counts as losing data, and then as not yet healthy
 * again.
 */
const LOSING_US = 5_000_000;
const AFTERMATH_US = 60_000_000;

export type HealthState = 'healthy' | 'degraded' | 'unhealthy';

export type HealthEntry = {
  readonly kind: 'source' | 'sink' | 'journal' | 'data' | 'config';
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
  const own = [
    sinkEntry(pipeline),
    ...journalEntry(pipeline),
    lossEntry(pipeline, now),
    configEntry(pipeline),
  ];
  const entries = [...sources, ...own];
  const dead = sources.length > 0 && sources.every(({ status }) => status !== 'healthy');
  const worst = worstOf(entries.map(({ status }) => status));
  return { status: dead && worst === 'degraded' ? deadStatus(pipeline) : worst, entries };
};

/**
 * Ready: every source of the start has been open once, and recovery has run. A source that came
 * later takes nothing back.
 */
export const isReady = (pipeline: Pipeline): boolean =>
  pipeline.state === 'running' &&
  !pipeline.recovering &&
  pipeline.sourceSet.initial.every((source) => {
    const { phase, connects } = source.report();
    return phase === 'open' || phase === 'ended' || (connects > 0 && phase !== 'subscribing');
  });

const sourceEntry = (report: SourceReport): HealthEntry => {
  const { name, phase, reason, since, symbols } = report;
  const refused = symbols.filter(({ state }) => state === 'refused');
  return {
    kind: 'source',
    name,
    status: sourceHealth(phase, refused),
    reason: refusedText(refused) ?? reason ?? phase,
    since,
  };
};

const sourceHealth = (
  phase: SourceReport['phase'],
  refused: readonly SymbolReport[],
): HealthState => {
  if (phase !== 'open' && phase !== 'ended') return 'degraded';
  return refused.length > 0 ? 'degraded' : 'healthy';
};

/** At most so many names in a reason. */
const NAMES = 10;

const refusedText = (refused: readonly SymbolReport[]): string | undefined => {
  if (refused.length === 0) return undefined;
  const names = refused.slice(0, NAMES).map(({ symbol }) => symbol);
  const more = refused.length > NAMES ? ` and ${refused.length - NAMES} more` : '';
  return `the venue refused ${names.join(', ')}${more}`;
};

/**
 * A refused configuration costs nothing while the one before it runs on, but it is told; what is
 * wrong with it names files and values, which are for the log and for those who may see the status.
 */
const configEntry = ({ configuration }: Pipeline): HealthEntry => {
  const { refusal, needsRestart, loadedAt } = configuration;
  const base = { kind: 'config', name: 'config', status: 'healthy' } as const;
  if (refusal !== undefined) {
    const count = `${refusal.problems.length} problem${refusal.problems.length === 1 ? '' : 's'}`;
    const reason = `refused, the one before it runs on: ${count}, named by /status and the log`;
    return { ...base, reason, since: refusal.at };
  }
  const waiting = needsRestart.join(', ');
  const reason = waiting === '' ? undefined : `needs a restart to take effect: ${waiting}`;
  return { ...base, reason, since: loadedAt };
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

/**
 * The journal, where there is one: `degraded` while the disk takes nothing or it is at its bound.
 */
const journalEntry = ({ journal, startedAt }: Pipeline): readonly HealthEntry[] => {
  const report = journal?.report();
  if (report === undefined) return [];
  const base = { kind: 'journal', name: 'journal' } as const;
  if (report.state === 'away') {
    const reason = `the disk takes nothing (${report.errno ?? 'unknown'}): frames wait in memory`;
    return [{ ...base, status: 'degraded', reason, since: report.awaySince ?? startedAt }];
  }
  if (report.state === 'full') {
    const reason = 'at its bound: queues.drop_policy acts';
    return [{ ...base, status: 'degraded', reason, since: startedAt }];
  }
  return [{ ...base, status: 'healthy', reason: undefined, since: startedAt }];
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
