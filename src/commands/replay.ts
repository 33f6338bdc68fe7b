import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { buildReplay } from '../pipeline/build.ts';
import { holdsJournal, openRecording } from '../pipeline/recording-part.ts';
import type { Span } from '../pipeline/rows.ts';
import { MdpError } from '../runtime/errors.ts';
import { replayEntry, type ReplayEntry } from '../sources/settings.ts';
import { venueOf } from '../venues/registry.ts';
import { EXIT, type CommandContext } from './context.ts';
import { obeySignals, report, screenOf } from './run.ts';
import { replaceSpan } from './replace.ts';
import { rangeOf, type AskedRange } from './time-range.ts';

const REPLAY_HELP = `mdp replay PATH… --venue ID [options]
mdp replay JOURNAL [options]

Sends recorded frames, with their recorded receive times, through the same pipeline into
the configured database, then drains. PATH: files or directories of ws-*.ndjson[.gz] and
hft-*[.gz] (the two line forms of the captures). JOURNAL: the directory of a journal, whose
records give the rows that they gave when they were recorded.

  --venue ID        the venue the frames are from: binance, coinbase, kraken, synthetic; of a
                    journal only where it does not say so itself
  --speed SPEED     times the recorded pace; max (default) = as fast as it can be stored
  --symbols A,B     keep these symbols only
  --from, --to TIME store only rows of this time (--to not included); everything is read
  --replace         first remove the trades, quotes, gaps and bars of the input's instruments
                    from --from to --to, which must lie between bars of every timeframe;
                    refused while a pipeline writes to the database
  --config PATH     configuration file; its sources are not used

Examples:
  DATABASE_URL=sqlite:./replay.db mdp replay ./captures/btcusdt.gz --venue binance
  DATABASE_URL=sqlite:./again.db mdp replay ./data/journal
`;

/** `mdp replay`: recorded frames through the same pipeline. */
export const replayCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      venue: { type: 'string' },
      speed: { type: 'string' },
      symbols: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      replace: { type: 'boolean', default: false },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(REPLAY_HELP);
    return EXIT.fine;
  }
  const span = spanOf(rangeOf(values.from, values.to));
  const journal = await journalOf(positionals, values);
  const entries = journal === undefined ? [entryOf(positionals, values)] : [];
  const { config, notes } = loadConfig({ path: values.config, sources: 'ignored' });
  const { replace, venue } = values;
  if (replace && (values.from === undefined || values.to === undefined)) {
    throw usage('--replace needs --from and --to: what is between them is removed first');
  }
  const input = { paths: positionals, journal, venue, span, replace };
  return runReplay({ ...config, sources: entries }, notes, input, context);
};

type Input = {
  readonly paths: readonly string[];
  /** Its directory, where the input is a journal. */
  readonly journal: string | undefined;
  readonly venue: string | undefined;
  readonly span: Span | undefined;
  readonly replace: boolean;
};

const runReplay = async (
  config: Config,
  notes: readonly string[],
  { paths, journal: directory, venue, span, replace }: Input,
  context: CommandContext,
): Promise<number> => {
  const screen = screenOf(config, context);
  for (const note of notes) screen.log.info(note);
  const around = { clock: context.clock, random: Math.random, log: screen.log };
  const part = directory === undefined ? undefined : await openRecording(directory, venue, around);
  const journal = directory === undefined || part === undefined ? undefined : { directory, part };
  const signal = context.finish;
  const replaced =
    span === undefined || !replace
      ? undefined
      : await replaceSpan({ config, span, journal, around, signal });
  const options = { recording: part, span, epoch: replaced?.epoch ?? 0 };
  const sink = replaced === undefined ? {} : { sink: replaced.sink };
  const pipeline = buildReplay(config, { ...around, ...sink }, runOf(paths), options);
  screen.start(pipeline, '');
  obeySignals(pipeline, context, screen.log);
  try {
    return report(await pipeline.run(), pipeline, screen.log);
  } finally {
    screen.stop();
  }
};

const spanOf = ({ from, to }: AskedRange): Span | undefined =>
  from === undefined && to === undefined
    ? undefined
    : { from: from ?? 0, to: to ?? Number.MAX_SAFE_INTEGER };

/** The directory of the journal that is to be replayed; undefined where the input is another. */
const journalOf = async (
  paths: readonly string[],
  { venue, speed = 'max', symbols }: Values,
): Promise<string | undefined> => {
  const journals = await Promise.all(paths.map(holdsJournal));
  if (!journals.includes(true)) return undefined;
  if (paths.length > 1) throw usage('a journal is replayed alone: its positions are its own');
  if (speed !== 'max') throw usage('--speed: a journal is replayed as fast as it can be stored');
  if (symbols !== undefined) throw usage('--symbols: a journal is replayed whole');
  if (venue !== undefined && venueOf(venue) === undefined) throw usage(`--venue: no ${venue}`);
  return paths[0];
};

const usage = (message: string): MdpError =>
  new MdpError('usage', message, { hint: 'mdp replay --help' });

type Values = {
  readonly venue?: string | undefined;
  readonly speed?: string | undefined;
  readonly symbols?: string | undefined;
};

const entryOf = (paths: readonly string[], values: Values): ReplayEntry => {
  if (paths.length === 0) {
    throw usage('mdp replay needs at least one PATH');
  }
  const speed = values.speed ?? 'max';
  const parsed = v.safeParse(replayEntry, {
    type: 'replay',
    path: [...paths],
    venue: values.venue,
    speed: speed === 'max' ? speed : Number(speed),
    ...(values.symbols === undefined ? {} : { symbols: values.symbols.split(',') }),
  });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const key = issue.path?.[0]?.key;
  const option = typeof key === 'string' ? key : 'replay';
  throw usage(`--${option}: expected ${issue.expected ?? 'another value'}, got ${issue.received}`);
};

/** The same input has the same positions on every replay: 30 bits of its files' names. */
const runOf = (paths: readonly string[]): number =>
  Bun.hash.crc32(paths.map((path) => basename(path)).join('\n')) & (2 ** 30 - 1);
