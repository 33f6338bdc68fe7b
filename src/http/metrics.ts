import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import type { BreakerState } from '../runtime/breaker.ts';
import { timeframeName } from '../market/timeframes.ts';
import { ROW_KINDS } from '../pipeline/ledger.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { counter, gauge, histogram, type Sample } from './exposition.ts';
import { journalMetrics } from './journal-metrics.ts';
import { sourceMetrics } from './source-metrics.ts';

export type BuildInfo = { readonly version: string; readonly commit: string };

type Parts = {
  readonly pipeline: Pipeline;
  readonly build: BuildInfo;
  /** Seconds each, as configured: their series exist at zero from the start. */
  readonly timeframes: readonly number[];
  /** Our clock, microseconds. */
  readonly now: () => number;
};

/**
 * Every metric of the program, copied from plain counters at scrape. Label sets are closed and
 * bounded.
 */
export const createMetrics = (parts: Parts): Registry => {
  const registry = new Registry();
  sourceMetrics(registry, parts.pipeline);
  operatorMetrics(registry, parts);
  journalMetrics(registry, parts.pipeline, parts.now);
  sinkMetrics(registry, parts.pipeline);
  ledgerMetrics(registry, parts.pipeline);
  tracingMetrics(registry, parts.pipeline);
  processMetrics(registry, parts);
  return registry;
};

const one = (value: number): readonly Sample[] => [[[], value]];

const fromMap = (map: ReadonlyMap<string, number>): readonly Sample[] =>
  [...map].map(([key, value]) => [[key], value]);

const operatorMetrics = (registry: Registry, { pipeline, timeframes }: Parts): void => {
  const names = timeframes.map((seconds) => timeframeName(seconds) ?? `${seconds}s`);
  counter(registry, {
    name: 'operator_bars_out_total',
    help: 'Bars made, by operator.',
    labels: ['operator'],
    read: () => names.map((name) => [[`bars_${name}`], pipeline.rows.barsOut.get(name) ?? 0]),
  });
  counter(registry, {
    name: 'mdp_trades_late_total',
    help: 'Trades stored but in no bar, by reason.',
    labels: ['reason'],
    read: () => fromMap(pipeline.ledger.late),
  });
  gauge(registry, {
    name: 'mdp_operators_state_bytes',
    help: 'Estimated bytes of all operators’ state.',
    read: () => one(pipeline.operators.report().stateBytes),
  });
};

const sinkMetrics = (registry: Registry, pipeline: Pipeline): void => {
  const { sinkStats, sinkName, sinkQueue, breaker } = pipeline;
  const labels = ['sink'];
  const of = (name: string, help: string, value: () => number): void =>
    counter(registry, { name, help, labels, read: () => [[[sinkName], value()]] });
  const now = (name: string, help: string, value: () => number): void =>
    gauge(registry, { name, help, labels, read: () => [[[sinkName], value()]] });

  of('mdp_sink_batches_committed_total', 'Batches committed.', () => sinkStats.batchesCommitted);
  of(
    'mdp_sink_batches_failed_total',
    'Batches whose first attempt to commit failed; they are held and tried again.',
    () => sinkStats.batchesFailed,
  );
  of('mdp_sink_retries_total', 'Further attempts that failed too.', () => sinkStats.retries);
  now('mdp_sink_queue_depth', 'Batches that wait for a sink worker.', () => sinkQueue.length);
  now('mdp_sink_up', '1 while the database takes batches.', () =>
    sinkStats.workersOpen > 0 && sinkStats.failure === undefined ? 1 : 0,
  );
  now('mdp_sink_breaker_state', '0 closed; 1 half-open, one probe asks; 2 open, nobody does.', () =>
    BREAKER_STATES.indexOf(breaker.state),
  );
  histogram(registry, {
    name: 'mdp_sink_commit_seconds',
    help: 'How long a commit took.',
    labels,
    read: () => [[[sinkName], sinkStats.commitSeconds]],
  });
  counter(registry, {
    name: 'mdp_sink_rows_committed_total',
    help: 'Rows committed, by table.',
    labels: ['sink', 'table'],
    read: () =>
      ROW_KINDS.map((table) => [[sinkName, table], sinkStats.rowsCommitted.get(table) ?? 0]),
  });
  histogram(registry, {
    name: 'mdp_end_to_end_seconds',
    help: 'From receipt of the first trade or quote of a batch to its commit.',
    labels: [],
    read: () => [[[], sinkStats.endToEnd]],
  });
};

/** By their number in the metric. */
const BREAKER_STATES: readonly BreakerState[] = ['closed', 'half_open', 'open'];

const ledgerMetrics = (registry: Registry, pipeline: Pipeline): void => {
  const { ledger } = pipeline;
  counter(registry, {
    name: 'mdp_frames_total',
    help: 'Frames by outcome; received is their sum with what is unread.',
    labels: ['outcome'],
    read: () =>
      Object.entries(pipeline.frameCounts()).map(([outcome, count]) => [[outcome], count]),
  });
  counter(registry, {
    name: 'mdp_rows_total',
    help: 'Rows by kind and outcome; decoded is their sum with what is in flight.',
    labels: ['kind', 'outcome'],
    read: () =>
      ROW_KINDS.flatMap((kind) =>
        Object.entries(ledger.rows[kind]).map(([outcome, count]): Sample => [
          [kind, snake(outcome)],
          count,
        ]),
      ),
  });
  counter(registry, {
    name: 'mdp_dropped_total',
    help: 'Frames and rows given up, by reason.',
    labels: ['reason'],
    read: () =>
      [...ledger.dropped].map(([reason, count]) => [
        [reason],
        count + pipeline.pendingDrops.of(reason),
      ]),
  });
  gauge(registry, {
    name: 'mdp_last_loss_timestamp_seconds',
    help: 'When data was last given up, told at once; 0 = never. The ledger counts it when read.',
    read: () => one((pipeline.lastLossAt ?? 0) / 1e6),
  });
  counter(registry, {
    name: 'mdp_dead_letters_total',
    help: 'Frames and rows refused, by reason.',
    labels: ['reason'],
    read: () => [
      ...fromMap(ledger.undecodable),
      ...fromMap(ledger.rejected),
      ...fromMap(pipeline.sinkStats.deadLetters),
    ],
  });
};

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const tracingMetrics = (registry: Registry, pipeline: Pipeline): void =>
  counter(registry, {
    name: 'mdp_trace_spans_total',
    help: 'Spans by outcome: exported, or dropped as too many waited or none were taken.',
    labels: ['outcome'],
    read: () => {
      const { exported = 0, queueFull = 0, undelivered = 0 } = pipeline.spanCounts ?? {};
      return [
        [['exported'], exported],
        [['dropped_queue_full'], queueFull],
        [['dropped_undelivered'], undelivered],
      ];
    },
  });

const processMetrics = (registry: Registry, { pipeline, build }: Parts): void => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  gauge(registry, {
    name: 'mdp_memory_waiting_bytes',
    help: 'All waiting data together, estimated.',
    read: () => one(pipeline.memory.total),
  });
  gauge(registry, {
    name: 'mdp_memory_spare_bytes',
    help: 'Memory of settled batches that is kept for the next ones.',
    read: () => one(pipeline.batcher.spareBytes),
  });
  gauge(registry, {
    name: 'mdp_op_queue_depth',
    help: 'Blocks of records that wait for the operators.',
    read: () => one(pipeline.buffer.length),
  });
  gauge(registry, {
    name: 'mdp_event_loop_lag_seconds',
    help: 'Event loop delay since the last scrape, by quantile.',
    labels: ['quantile'],
    read: () => {
      const samples: readonly Sample[] = [
        [['0.5'], delay.percentile(50) / 1e9],
        [['0.99'], delay.percentile(99) / 1e9],
        [['1'], delay.max / 1e9],
      ];
      delay.reset();
      return samples;
    },
  });
  gauge(registry, {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory.',
    read: () => one(process.memoryUsage.rss()),
  });
  counter(registry, {
    name: 'process_cpu_seconds_total',
    help: 'CPU time of user and system.',
    read: () => {
      const { user, system } = process.cpuUsage();
      return one((user + system) / 1e6);
    },
  });
  gauge(registry, {
    name: 'process_start_time_seconds',
    help: 'Start of the process, seconds since the epoch.',
    read: () => one(pipeline.startedAt / 1e6),
  });
  counter(registry, {
    name: 'mdp_config_reloads_total',
    help: 'Configurations read again while running, by outcome.',
    labels: ['outcome'],
    read: () => [
      [['taken'], pipeline.configuration.taken],
      [['refused'], pipeline.configuration.refused],
    ],
  });
  gauge(registry, {
    name: 'mdp_build_info',
    help: '1; version and commit as labels.',
    labels: ['version', 'commit'],
    read: () => [[[build.version, build.commit], 1]],
  });
};
