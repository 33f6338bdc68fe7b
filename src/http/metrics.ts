import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import { timeframeName } from '../market/timeframes.ts';
import { ROW_KINDS } from '../pipeline/ledger.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { SourceReport } from '../sources/source.ts';
import { counter, gauge, histogram, type Sample } from './exposition.ts';

/** Past so many symbols a source's rest is counted under `_other`. */
const SYMBOLS_PER_SOURCE = 1000;

export type BuildInfo = { readonly version: string; readonly commit: string };

type Parts = {
  readonly pipeline: Pipeline;
  readonly build: BuildInfo;
  /** Seconds each, as configured: their series exist at zero from the start. */
  readonly timeframes: readonly number[];
};

/**
 * Every metric of the program, copied from plain counters at scrape. Label sets are closed and
 * bounded.
 */
export const createMetrics = (parts: Parts): Registry => {
  const registry = new Registry();
  sourceMetrics(registry, parts);
  operatorMetrics(registry, parts);
  sinkMetrics(registry, parts.pipeline);
  ledgerMetrics(registry, parts.pipeline);
  processMetrics(registry, parts);
  return registry;
};

const one = (value: number): readonly Sample[] => [[[], value]];

const fromMap = (map: ReadonlyMap<string, number>): readonly Sample[] =>
  [...map].map(([key, value]) => [[key], value]);

const sourceMetrics = (registry: Registry, { pipeline }: Parts): void => {
  const perSource =
    (value: (report: SourceReport) => number): (() => readonly Sample[]) =>
    () =>
      pipeline.sources.map((source) => [[source.name], value(source.report())]);
  const of = (name: string, help: string, value: (report: SourceReport) => number): void =>
    counter(registry, { name, help, labels: ['source'], read: perSource(value) });

  counter(registry, {
    name: 'mdp_source_items_total',
    help: 'Decoded trades and quotes, before validation.',
    labels: ['source', 'symbol'],
    read: () => itemSamples(pipeline),
  });
  of('mdp_source_frames_total', 'WebSocket messages received.', ({ frames }) => frames);
  of('mdp_source_bytes_total', 'Bytes of the messages received.', ({ bytes }) => bytes);
  of('mdp_source_disconnects_total', 'Connections lost.', ({ disconnects }) => disconnects);
  of('mdp_source_reconnects_total', 'Connections opened again.', ({ reconnects }) => reconnects);
  of('mdp_source_mute_total', 'Times a connection was open but silent.', ({ mutes }) => mutes);
  gauge(registry, {
    name: 'mdp_source_up',
    help: '1 while the source is open and data may come.',
    labels: ['source'],
    read: perSource(({ phase }) => (phase === 'open' ? 1 : 0)),
  });
  decodeMetrics(registry, pipeline);
};

const decodeMetrics = (registry: Registry, pipeline: Pipeline): void => {
  const { sourceStats } = pipeline;
  counter(registry, {
    name: 'mdp_source_pacing_blocked_total',
    help: 'Times the pacing budget held a frame back.',
    labels: ['source'],
    read: () => [...sourceStats].map(([name, stats]) => [[name], stats.pacingBlocked]),
  });
  counter(registry, {
    name: 'mdp_source_decode_errors_total',
    help: 'Frames that could not be read, by reason.',
    labels: ['source', 'reason'],
    read: () =>
      [...sourceStats].flatMap(([name, { decodeErrors }]) =>
        [...decodeErrors].map(([reason, count]): Sample => [[name, reason], count]),
      ),
  });
  histogram(registry, {
    name: 'mdp_source_lag_seconds',
    help: "Receive time minus event time of trades and quotes; venues' clocks may run ahead.",
    labels: ['source'],
    read: () => [...sourceStats].map(([name, { lag }]) => [[name], lag]),
  });
  counter(registry, {
    name: 'mdp_gaps_total',
    help: 'Holes found in the trades, by reason.',
    labels: ['source', 'reason'],
    read: () =>
      [...sourceStats].flatMap(([name, { gaps }]) =>
        (['reconnect', 'skipped', 'dropped', 'down'] as const).map((reason): Sample => [
          [name, reason],
          gaps.get(reason) ?? 0,
        ]),
      ),
  });
  counter(registry, {
    name: 'mdp_gap_trades_missing_total',
    help: 'Trades missing in those holes when they were found.',
    labels: ['source'],
    read: () => [...sourceStats].map(([name, { missing }]) => [[name], missing]),
  });
};

const itemSamples = function* (pipeline: Pipeline): Iterable<Sample> {
  for (const [name, { instruments, items }] of pipeline.sourceStats) {
    let other = 0;
    for (const [index, { id, symbol }] of instruments.entries()) {
      const count = items[id] ?? 0;
      if (index < SYMBOLS_PER_SOURCE) yield [[name, symbol], count];
      else other += count;
    }
    if (instruments.length > SYMBOLS_PER_SOURCE) yield [[name, '_other'], other];
    if (instruments.length === 0) yield [[name, ''], 0];
  }
};

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
  const { sinkStats, sinkName, sinkQueue } = pipeline;
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

const ledgerMetrics = (registry: Registry, pipeline: Pipeline): void => {
  const { ledger } = pipeline;
  counter(registry, {
    name: 'mdp_frames_total',
    help: 'Frames by outcome; received is their sum with what is unread.',
    labels: ['outcome'],
    read: () => Object.entries(ledger.frames).map(([outcome, count]) => [[outcome], count]),
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
    read: () => fromMap(ledger.dropped),
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

const processMetrics = (registry: Registry, { pipeline, build }: Parts): void => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  gauge(registry, {
    name: 'mdp_memory_waiting_bytes',
    help: 'All waiting data together, estimated.',
    read: () => one(pipeline.memory.total),
  });
  gauge(registry, {
    name: 'mdp_op_queue_depth',
    help: 'Blocks of records that wait for the operators.',
    read: () => one(pipeline.queue.length),
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
  gauge(registry, {
    name: 'mdp_build_info',
    help: '1; version and commit as labels.',
    labels: ['version', 'commit'],
    read: () => [[[build.version, build.commit], 1]],
  });
};
