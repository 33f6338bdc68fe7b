import { formatTime } from '../market/time.ts';
import { healthOf, isReady } from './health.ts';
import { ROW_KINDS } from './ledger.ts';
import type { Pipeline } from './pipeline.ts';

/** Everything an operator may ask of the running program, as plain JSON. Times as text in UTC. */
export const statusOf = (pipeline: Pipeline, now: number): Readonly<Record<string, unknown>> => ({
  status: healthOf(pipeline, now).status,
  ready: isReady(pipeline),
  state: pipeline.state,
  started_at: formatTime(pipeline.startedAt),
  uptime_seconds: Math.round((now - pipeline.startedAt) / 1e6),
  sources: pipeline.sources.map((source) => sourceStatus(source.report())),
  queues: queueStatus(pipeline),
  sink: sinkStatus(pipeline),
  operators: pipeline.operators.report(),
  ledger: ledgerStatus(pipeline),
});

const sourceStatus = (report: ReturnType<Pipeline['sources'][number]['report']>) => ({
  ...report,
  since: formatTime(report.since),
  lastFrameAt: report.lastFrameAt === undefined ? null : formatTime(report.lastFrameAt),
});

const queueStatus = ({ queue, sinkQueue, memory }: Pipeline) => ({
  op_queue_blocks: queue.length,
  sink_queue_batches: sinkQueue.length,
  memory_waiting_bytes: memory.total,
  memory_limit_bytes: memory.limit,
});

const sinkStatus = ({ sinkName, sinkStats }: Pipeline) => ({
  name: sinkName,
  up: sinkStats.workersOpen > 0 && sinkStats.failure === undefined,
  workers: sinkStats.workersOpen,
  batches_committed: sinkStats.batchesCommitted,
  batches_failed: sinkStats.batchesFailed,
  retries: sinkStats.retries,
  last_commit_at: sinkStats.lastCommitAt === undefined ? null : formatTime(sinkStats.lastCommitAt),
  failure: sinkStats.failure ?? null,
});

/**
 * The ledger with what waits counted where it waits, so that `balanced` is a check and not a
 * tautology.
 */
const ledgerStatus = (pipeline: Pipeline) => {
  const { ledger } = pipeline;
  const frames = { ...ledger.frames, unread: pipeline.waitingFrames() };
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
    dropped: Object.fromEntries(ledger.dropped),
    balanced:
      ledger.unread() === frames.unread &&
      ROW_KINDS.every((kind) => ledger.inFlight(kind) === pipeline.waitingRows(kind)),
  };
};
