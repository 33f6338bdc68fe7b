import { formatTime } from '../market/time.ts';
import type { SourceReport } from '../sources/source.ts';
import { healthOf, isReady } from './health.ts';
import { ROW_KINDS } from './ledger.ts';
import type { Pipeline } from './pipeline.ts';
import type { SourceStats } from './source-stats.ts';
import { reportOf } from './unconfirmed.ts';

/** Everything an operator may ask of the running program, as plain JSON. Times as text in UTC. */
export const statusOf = (pipeline: Pipeline, now: number): Readonly<Record<string, unknown>> => ({
  status: healthOf(pipeline, now).status,
  ready: isReady(pipeline),
  state: pipeline.state,
  started_at: formatTime(pipeline.startedAt),
  uptime_seconds: Math.round((now - pipeline.startedAt) / 1e6),
  configuration: configurationStatus(pipeline),
  sources: pipeline.sources.map((source) =>
    sourceStatus(reportOf(pipeline, source), pipeline.sourceSet.stats.get(source.name)),
  ),
  queues: queueStatus(pipeline),
  journal: journalStatus(pipeline, now),
  sink: sinkStatus(pipeline),
  operators: pipeline.operators.report(),
  ledger: ledgerStatus(pipeline),
});

const sourceStatus = (report: SourceReport, stats: SourceStats | undefined) => ({
  name: report.name,
  venue: report.venue,
  phase: report.phase,
  since: formatTime(report.since),
  reason: report.reason ?? null,
  connections_open: report.connectionsOpen,
  connects: report.connects,
  disconnects: report.disconnects,
  reconnects: report.reconnects,
  mutes: report.mutes,
  frames: report.frames,
  bytes: report.bytes,
  empty_frames: report.emptyFrames,
  oversized_frames: report.oversizedFrames,
  last_frame_at: timeText(report.lastFrameAt),
  paused_seconds: report.pausedSeconds,
  progress: report.progress ?? null,
  symbols: report.symbols.map(({ symbol, state, reason }) => ({
    symbol,
    state,
    reason: reason ?? null,
    last_heard_at: timeText(stats?.lastHeard(symbol)),
  })),
});

const configurationStatus = ({ configuration }: Pipeline) => {
  const { loadedAt, taken, refused, refusal, needsRestart } = configuration;
  return {
    loaded_at: formatTime(loadedAt),
    reloads: taken,
    refusals: refused,
    refused:
      refusal === undefined ? null : { since: formatTime(refusal.at), problems: refusal.problems },
    needs_restart: needsRestart,
  };
};

const timeText = (micros: number | undefined): string | null =>
  micros === undefined ? null : formatTime(micros);

const queueStatus = ({ buffer, sinkQueue, memory }: Pipeline) => ({
  op_queue_blocks: buffer.length,
  sink_queue_batches: sinkQueue.length,
  memory_waiting_bytes: memory.total,
  memory_limit_bytes: memory.limit,
});

/** null where the journal is switched off. */
const journalStatus = (pipeline: Pipeline, now: number) => {
  const { journal, checkpointer } = pipeline;
  if (journal === undefined) return null;
  const publishedAt = checkpointer?.publishedAt;
  const report = journal.report();
  return {
    state: report.state,
    errno: report.errno ?? null,
    away_since: timeText(report.awaySince),
    segments: report.segments,
    bytes: report.bytes,
    retained_bytes: report.retainedBytes,
    unsynced_bytes: report.unsyncedBytes,
    lag_bytes: report.lagBytes,
    lag_seconds: report.lagSeconds,
    hours_left: report.hoursLeft ?? null,
    dropped_frames: report.droppedFrames,
    lost_frames: report.lostFrames,
    damaged: report.damaged,
    torn_bytes: report.tornBytes,
    sync_failures: report.syncFailures,
    recovering: pipeline.recovering,
    checkpoints: checkpointer?.published ?? 0,
    checkpoint_age_seconds: publishedAt === undefined ? null : (now - publishedAt) / 1e6,
  };
};

const sinkStatus = ({ sinkName, sinkStats, breaker }: Pipeline) => ({
  name: sinkName,
  up: sinkStats.workersOpen > 0 && sinkStats.failure === undefined,
  workers: sinkStats.workersOpen,
  batches_committed: sinkStats.batchesCommitted,
  batches_failed: sinkStats.batchesFailed,
  retries: sinkStats.retries,
  last_commit_at: timeText(sinkStats.lastCommitAt),
  failure: sinkStats.failure ?? null,
  breaker: {
    state: breaker.state,
    since: formatTime(breaker.since),
    openings: breaker.openings,
    probe_at: timeText(breaker.probeAt),
  },
});

/**
 * Every frame has an outcome or waits. With a journal, refused frames are heard of only when their
 * record is read, so that the sum is checked when nothing waits.
 */
const framesBalance = (pipeline: Pipeline): boolean => {
  const unread = pipeline.ledger.unread();
  const waiting = pipeline.waitingFrames();
  if (pipeline.journal === undefined) return unread === waiting;
  return unread >= 0 && (waiting > 0 || unread === 0);
};

/**
 * The ledger with what waits counted where it waits, so that `balanced` is a check and not a
 * tautology.
 */
const ledgerStatus = (pipeline: Pipeline) => {
  const { ledger } = pipeline;
  const pending = pipeline.pendingDrops.total;
  const frames = {
    ...pipeline.frameCounts(),
    unread: Math.max(0, pipeline.waitingFrames() - pending),
  };
  const rows = Object.fromEntries(
    ROW_KINDS.map((kind) => [
      kind,
      { ...ledger.rows[kind], in_flight: pipeline.waitingRows(kind) },
    ]),
  );
  return {
    frames,
    rows,
    late: Object.fromEntries(ledger.late),
    undecodable: Object.fromEntries(ledger.undecodable),
    rejected: Object.fromEntries(ledger.rejected),
    dropped: Object.fromEntries(
      [...ledger.dropped].map(([reason, count]) => [
        reason,
        count + pipeline.pendingDrops.of(reason),
      ]),
    ),
    balanced:
      framesBalance(pipeline) &&
      ROW_KINDS.every((kind) => ledger.inFlight(kind) === pipeline.waitingRows(kind)),
  };
};
