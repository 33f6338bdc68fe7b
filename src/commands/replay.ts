import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { buildPipeline } from '../pipeline/build.ts';
import { MdpError } from '../runtime/errors.ts';
import { replayEntry, type ReplayEntry } from '../sources/settings.ts';
import { EXIT, type CommandContext } from './context.ts';
import { obeySignals, report, screenOf } from './run.ts';

const REPLAY_HELP = `mdp replay PATH… --venue ID [options]

Sends recorded frames, with their recorded receive times, through the same pipeline into
the configured database, then drains. PATH: files or directories of ws-*.ndjson[.gz] and
hft-*[.gz] (the two line forms of the captures).

  --venue ID        the venue the frames are from: binance, coinbase, kraken, synthetic
  --speed SPEED     times the recorded pace; max (default) = as fast as it can be stored
  --symbols A,B     keep these symbols only
  --config PATH     configuration file; its sources are not used

Example:
  DATABASE_URL=sqlite:./replay.db mdp replay ./captures/btcusdt.gz --venue binance
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
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(REPLAY_HELP);
    return EXIT.fine;
  }
  const entry = entryOf(positionals, values);
  const { config, notes } = loadConfig({ path: values.config, sources: 'ignored' });
  return runReplay({ ...config, sources: [entry] }, notes, context);
};

const runReplay = async (
  config: Config,
  notes: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const screen = screenOf(config, context);
  for (const note of notes) screen.log.info(note);
  const around = { clock: context.clock, random: Math.random, log: screen.log };
  const pipeline = buildPipeline(config, around, runOf(config.sources));
  screen.start(pipeline, '');
  obeySignals(pipeline, context, screen.log);
  try {
    return report(await pipeline.run(), pipeline, screen.log);
  } finally {
    screen.stop();
  }
};

type Values = {
  readonly venue?: string | undefined;
  readonly speed?: string | undefined;
  readonly symbols?: string | undefined;
};

const entryOf = (paths: readonly string[], values: Values): ReplayEntry => {
  if (paths.length === 0) {
    throw new MdpError('usage', 'mdp replay needs at least one PATH', {
      hint: 'mdp replay --help',
    });
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
  throw new MdpError(
    'usage',
    `--${option}: expected ${issue.expected ?? 'another value'}, got ${issue.received}`,
    {
      hint: 'mdp replay --help',
    },
  );
};

/** The same input has the same positions on every replay: 30 bits of its files' names. */
const runOf = (sources: Config['sources']): number => {
  const names = sources.flatMap((source) => (source.type === 'replay' ? source.path : []));
  return Bun.hash.crc32(names.map((path) => basename(path)).join('\n')) & (2 ** 30 - 1);
};
