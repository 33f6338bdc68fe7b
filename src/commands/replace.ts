import type { Config } from '../config/config.ts';
import { readRecords } from '../journal/inspect.ts';
import { timeframeSeconds } from '../market/timeframes.ts';
import { createSink, type Surroundings } from '../pipeline/build.ts';
import { instrumentsOf, type InputFrame } from '../pipeline/input-instruments.ts';
import type { RecordingPart } from '../pipeline/recording-part.ts';
import type { Span } from '../pipeline/rows.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Cut } from '../sinks/cut.ts';
import type { Sink } from '../sinks/sink.ts';
import { lineBlocks, replayFiles } from '../sources/replay-files.ts';
import { readLine } from '../sources/replay-line.ts';
import { venueOf } from '../venues/registry.ts';
import type { Venue } from '../venues/venue.ts';

export type ReplaceRequest = {
  readonly config: Config;
  readonly span: Span;
  /** The journal's directory and what is known of its sources, or else the recordings' paths. */
  readonly journal: { readonly directory: string; readonly part: RecordingPart } | undefined;
  readonly around: Surroundings;
  readonly signal: AbortSignal;
};

export type Replaced = { readonly sink: Sink; readonly epoch: number };

/**
 * Takes the input's instruments out of the database within the span, before they are written again.
 * Resolves with the sink, which keeps every other writer out, and the epoch to write with. Throws
 * `MdpError` before anything is removed: `usage` where the span cuts a bar in two, `locked` while a
 * pipeline writes there.
 */
export const replaceSpan = async (request: ReplaceRequest): Promise<Replaced> => {
  const { config, span, around, signal } = request;
  const timeframes = config.operators.bars.timeframes.map((name) => timeframeSeconds(name) ?? 0);
  requireWholeBars(span, config.operators.bars.timeframes);
  const instruments = await instrumentsOf(framesOf(request));
  const wanted = new Set(config.sources.flatMap(({ symbols }) => symbols ?? []));
  const sink = around.sink ?? createSink(config, around);
  const cut: Cut = {
    instruments: instruments.filter(({ symbol }) => wanted.size === 0 || wanted.has(symbol)),
    ...span,
    timeframes,
    tables: tablesOf(config),
  };
  try {
    const epoch = await sink.clear(cut, signal);
    around.log.info('Removed what will be written again', {
      instruments: cut.instruments.length,
      epoch,
    });
    return { sink, epoch };
  } catch (error) {
    await sink.close();
    throw error;
  }
};

/** What is not stored any more would not come back: it stays. */
const tablesOf = ({ database: { store } }: Config): Cut['tables'] => [
  ...(store.includes('trades') ? (['trade'] as const) : []),
  ...(store.includes('quotes') ? (['quote'] as const) : []),
  ...(store.includes('bars') ? (['bar'] as const) : []),
  'gap',
];

const requireWholeBars = ({ from, to }: Span, timeframes: readonly string[]): void => {
  for (const name of timeframes) {
    const micros = (timeframeSeconds(name) ?? 0) * 1e6;
    if (from % micros === 0 && to % micros === 0) continue;
    throw new MdpError('usage', `--from and --to must not cut a bar of ${name} in two`, {
      hint: `give multiples of ${name}, as every timeframe of operators.bars.timeframes demands`,
    });
  }
};

const framesOf = ({ journal, config }: ReplaceRequest): AsyncIterable<InputFrame> =>
  journal === undefined ? framesOfFiles(config) : framesOfJournal(journal);

async function* framesOfJournal({
  directory,
  part,
}: NonNullable<ReplaceRequest['journal']>): AsyncGenerator<InputFrame> {
  const venues = new Map(Object.entries(part.venues));
  for await (const { record } of readRecords(directory)) {
    if (record.kind === 'state' && record.state === 'started') {
      venues.set(record.source, record.symbols[0] ?? '');
    }
    if (record.kind !== 'frame') continue;
    const venue = venueOf(venues.get(record.source) ?? part.venue ?? '');
    if (venue !== undefined) yield { venue, receiveTime: record.receiveTime, text: record.text };
  }
}

async function* framesOfFiles({ sources }: Config): AsyncGenerator<InputFrame> {
  for (const source of sources) {
    const venue = source.type === 'replay' ? venueOf(source.venue) : undefined;
    if (source.type !== 'replay' || venue === undefined) continue;
    for (const { path } of replayFiles(source.path)) yield* framesOfFile(path, venue);
  }
}

async function* framesOfFile(path: string, venue: Venue): AsyncGenerator<InputFrame> {
  for await (const { lines } of lineBlocks(path)) {
    for (const text of lines) {
      const line = readLine(text);
      if (line?.kind === 'frame') yield { venue, receiveTime: line.at, text: line.text };
    }
  }
}
