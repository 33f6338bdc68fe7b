import type { Registry } from 'prom-client';
import { increase } from '../pipeline/ledger.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { reportOf } from '../pipeline/unconfirmed.ts';
import type { SourceReport } from '../sources/source.ts';
import { counter, gauge, histogram, type Sample } from './exposition.ts';

/** Past so many symbols a source's rest is counted under `_other`. */
const SYMBOLS_PER_SOURCE = 1000;

/** What the sources and the decoding of their frames tell. Those of removed sources stay. */
export const sourceMetrics = (registry: Registry, pipeline: Pipeline): void => {
  const perSource =
    (value: (report: SourceReport) => number): (() => readonly Sample[]) =>
    () =>
      pipeline.sourceSet.all.map((source) => [[source.name], value(source.report())]);
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
  of(
    'mdp_source_paused_seconds_total',
    'Time in which reading was paused, as there was no room.',
    ({ pausedSeconds }) => pausedSeconds,
  );
  gauge(registry, {
    name: 'mdp_source_symbols',
    help: 'Symbols asked for, by where they stand.',
    labels: ['source', 'state'],
    read: () => pipeline.sources.flatMap((source) => symbolSamples(reportOf(pipeline, source))),
  });
  gauge(registry, {
    name: 'mdp_source_up',
    help: '1 while the source is open and data may come.',
    labels: ['source'],
    read: perSource(({ phase }) => (phase === 'open' ? 1 : 0)),
  });
  decodeMetrics(registry, pipeline);
};

const decodeMetrics = (registry: Registry, pipeline: Pipeline): void => {
  const sourceStats = pipeline.sourceSet.stats;
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

const SYMBOL_STATES = ['pending', 'subscribed', 'unconfirmed', 'refused'] as const;

const symbolSamples = ({ name, symbols }: SourceReport): readonly Sample[] =>
  SYMBOL_STATES.map((wanted) => [
    [name, wanted],
    symbols.reduce((count, { state }) => (state === wanted ? count + 1 : count), 0),
  ]);

/** The symbols that were asked for first, which exist at zero, and then what came beside them. */
const itemSamples = function* ({ sourceSet }: Pipeline): Iterable<Sample> {
  for (const source of sourceSet.all) {
    const { name } = source;
    const counts = new Map(source.report().symbols.map(({ symbol }) => [symbol, 0]));
    const { instruments = [], items = [] } = sourceSet.stats.get(name) ?? {};
    for (const { id, symbol } of instruments) increase(counts, symbol, items[id] ?? 0);
    let other = 0;
    for (const [index, [symbol, count]] of [...counts].entries()) {
      if (index < SYMBOLS_PER_SOURCE) yield [[name, symbol], count];
      else other += count;
    }
    if (counts.size > SYMBOLS_PER_SOURCE) yield [[name, '_other'], other];
    if (counts.size === 0) yield [[name, ''], 0];
  }
};
