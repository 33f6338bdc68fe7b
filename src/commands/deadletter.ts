import { parseArgs } from 'node:util';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { Instruments } from '../market/instrument.ts';
import { formatTime } from '../market/time.ts';
import { createSink } from '../pipeline/build.ts';
import { retryLetter } from '../pipeline/retry-letter.ts';
import { MdpError } from '../runtime/errors.ts';
import { createLog } from '../runtime/json-log.ts';
import { openReader } from '../sinks/open-reader.ts';
import type { DeadLetter, SinkWorker } from '../sinks/sink.ts';
import { sourceName } from '../sources/settings.ts';
import { venueOf } from '../venues/registry.ts';
import type { Venue } from '../venues/venue.ts';
import { EXIT, type CommandContext } from './context.ts';

const DEADLETTER_HELP = `mdp deadletter ls|retry|purge [options]

Frames and rows that were refused, kept in the table dead_letter with their reason.

  ls                shows them, the oldest first
  retry             decodes frames again (stage decode), writes rows again (stage sink);
                    what is accepted now leaves the table
  purge             removes them for good

  --stage STAGE     decode, validate or sink only
  --reason REASON   this reason only
  --venue ID        retry: the venue of frames whose source is not in the configuration
  --config PATH     configuration file (default: ./config.yaml, else the built-in one)

A SQLite file has one writer: stop the pipeline before retry and purge.
`;

/** Letters tried or removed in one go. */
const CHUNK = 1000;
/** Of a payload's beginning, in characters. */
const SHOWN = 120;

type Request = {
  readonly config: Config;
  readonly letters: readonly DeadLetter[];
  readonly venue: string | undefined;
  readonly context: CommandContext;
};

/** `mdp deadletter`: what was refused and kept. */
export const deadletterCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      stage: { type: 'string' },
      reason: { type: 'string' },
      venue: { type: 'string' },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(DEADLETTER_HELP);
    return EXIT.fine;
  }
  const [verb = '', ...rest] = positionals;
  const act = VERBS.get(verb);
  if (act === undefined || rest.length > 0) {
    throw usage(`mdp deadletter takes ls, retry or purge, got \`${positionals.join(' ')}\``);
  }
  const { stage, reason, venue } = values;
  if (venue !== undefined && venueOf(venue) === undefined) throw usage(`--venue: no ${venue}`);
  const { config } = loadConfig({ path: values.config, sources: 'ignored' });
  const wanted = (letter: DeadLetter): boolean =>
    (stage === undefined || letter.stage === stage) &&
    (reason === undefined || letter.reason === reason);
  const letters = (await readLetters(config, context)).filter(wanted);
  return act({ config, letters, venue, context });
};

type Act = (request: Request) => Promise<number>;

const list: Act = ({ letters, context: { stdout } }) => {
  for (const { position, row, receiveTime, source, stage, reason, sqlstate, payload } of letters) {
    const text = JSON.stringify(new TextDecoder().decode(payload).slice(0, SHOWN));
    const cells = [formatTime(receiveTime), source, stage, reason, sqlstate ?? '-'];
    stdout.write(`${[...cells, `${position}.${row}`, text].join('  ')}\n`);
  }
  stdout.write(`${letters.length} dead letters\n`);
  return Promise.resolve(EXIT.fine);
};

const retry: Act = (request) =>
  writing(request, async (worker, signal) => {
    const { letters, context } = request;
    const around = { venueOf: venueFor(request), instruments: new Instruments() };
    const accepted: DeadLetter[] = [];
    let untried = 0;
    for (const letter of letters) {
      const outcome = await retryLetter(letter, worker, around, signal);
      if (outcome === true) accepted.push(letter);
      if (outcome === undefined) untried += 1;
    }
    const gone = await forget(worker, accepted, signal);
    const refused = letters.length - accepted.length - untried;
    context.stdout.write(
      `${gone} accepted and removed, ${refused} refused again, ${untried} cannot be tried\n`,
    );
  });

const purge: Act = (request) =>
  writing(request, async (worker, signal) => {
    const gone = await forget(worker, request.letters, signal);
    request.context.stdout.write(`${gone} dead letters removed\n`);
  });

const VERBS: ReadonlyMap<string, Act> = new Map([
  ['ls', list],
  ['retry', retry],
  ['purge', purge],
]);

/** They are bounded: samples, and the rows that a database refused. */
const readLetters = async (
  { database }: Config,
  { clock, finish }: CommandContext,
): Promise<readonly DeadLetter[]> => {
  const { url, schema, sslmode, sslCa } = database;
  const reader = await openReader({ url, schema, sslmode, sslCa, clock }, finish);
  try {
    return await Array.fromAsync(reader.deadLetters());
  } finally {
    await reader.close();
  }
};

const writing = async (
  { config, context }: Request,
  act: (worker: SinkWorker, signal: AbortSignal) => Promise<void>,
): Promise<number> => {
  const { clock, stderr, finish } = context;
  const write = (line: string): void => stderr.write(line);
  const log = createLog({ level: 'warn', format: 'text', now: () => clock.now(), write });
  const sink = createSink(config, { clock, random: Math.random, log });
  try {
    const worker = await sink.open(finish);
    await act(worker, finish);
    await worker.close();
    return EXIT.fine;
  } finally {
    await sink.close();
  }
};

const forget = async (
  worker: SinkWorker,
  letters: readonly DeadLetter[],
  signal: AbortSignal,
): Promise<number> => {
  let gone = 0;
  for (let from = 0; from < letters.length; from += CHUNK) {
    gone += await worker.forget(letters.slice(from, from + CHUNK), signal);
  }
  return gone;
};

/** The venue of a source of the configuration; of any other one, the one that was named. */
const venueFor = ({ config, venue }: Request): ((source: string) => Venue | undefined) => {
  const venues = new Map(
    config.sources.map((entry) => [
      sourceName(entry),
      entry.type === 'replay' ? entry.venue : entry.type,
    ]),
  );
  return (source) => venueOf(venues.get(source) ?? venue ?? source);
};

const usage = (message: string): MdpError =>
  new MdpError('usage', message, { hint: 'mdp deadletter --help' });
