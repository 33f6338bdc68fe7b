import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import type { Stored } from '../journal/block.ts';
import { listSegments, readRecords, verifySegments } from '../journal/inspect.ts';
import type { SegmentSummary, Verified } from '../journal/inspect.ts';
import type { MarketRecord } from '../market/record.ts';
import { formatTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import { EXIT, type CommandContext } from './context.ts';

const JOURNAL_HELP = `mdp journal ls|verify|cat|export [DIR] [options]

Looks into the journal, also while a pipeline writes it, and changes nothing there.
DIR: its directory (default: journal.dir of the configuration).

  ls                the segments: positions, bytes, age, what was given up or compressed
  verify            reads every record; says what is damaged or missing, and where
  cat               records as JSON lines, with their positions
  export            frames as lines that \`mdp replay\` reads (ws-*.ndjson)

  --from POSITION   cat, export: begin at this position
  --source NAME     cat, export: records of this source only
  --config PATH     configuration file (default: ./config.yaml, else the built-in one)

Examples:
  mdp journal verify
  mdp journal export --source binance | gzip > ws-binance.ndjson.gz
  mdp replay ws-binance.ndjson.gz --venue binance

Exit codes: 0 fine, 1 failed or something is damaged, 2 usage or configuration.
`;

/** Text gathered before it is written. */
const WRITE_CHARS = 64 * 1024;

type Asked = {
  readonly directory: string;
  readonly from: number;
  readonly source: string | undefined;
};

type View = (asked: Asked, context: CommandContext) => Promise<number>;

/** `mdp journal`: what is in the journal. */
export const journalCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      source: { type: 'string' },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    context.stdout.write(JOURNAL_HELP);
    return EXIT.fine;
  }
  const [verb = '', dir, ...rest] = positionals;
  const view = VIEWS.get(verb);
  if (view === undefined || rest.length > 0) {
    throw usage(`mdp journal takes ls, verify, cat or export, got \`${positionals.join(' ')}\``);
  }
  const directory =
    dir ?? loadConfig({ path: values.config, sources: 'ignored' }).config.journal.dir;
  return view({ directory, from: positionOf(values.from), source: values.source }, context);
};

const list: View = async ({ directory }, { stdout }) => {
  for (const segment of await readable(directory, listSegments(directory))) {
    stdout.write(`${summaryLine(segment)}\n`);
  }
  return EXIT.fine;
};

const verify: View = async ({ directory }, { stdout }) => {
  await readable(directory, listSegments(directory));
  let isWhole = true;
  for await (const verified of verifySegments(directory)) {
    isWhole &&= verified.damages.length === 0 && verified.lost === 0;
    stdout.write(verifiedLines(verified));
  }
  stdout.write(isWhole ? 'every record is whole\n' : 'records are damaged or missing\n');
  return isWhole ? EXIT.fine : EXIT.failed;
};

const cat: View = (asked, context) =>
  writeLines(asked, context, ({ position, record }) => JSON.stringify({ position, ...record }));

const exportFrames: View = (asked, context) =>
  writeLines(asked, context, ({ record }) => replayLine(record));

const VIEWS: ReadonlyMap<string, View> = new Map([
  ['ls', list],
  ['verify', verify],
  ['cat', cat],
  ['export', exportFrames],
]);

/** A line a record, where `lineOf` has one, until nobody reads any more or a signal comes. */
const writeLines = async (
  { directory, from, source }: Asked,
  { stdout, finish }: CommandContext,
  lineOf: (stored: Stored) => string | undefined,
): Promise<number> => {
  await readable(directory, listSegments(directory));
  let waiting = '';
  for await (const stored of readRecords(directory, from)) {
    if (source !== undefined && stored.record.source !== source) continue;
    const line = lineOf(stored);
    if (line !== undefined) waiting += `${line}\n`;
    if (waiting.length < WRITE_CHARS) continue;
    stdout.write(waiting);
    waiting = '';
    if (finish.aborted || stdout.isClosed()) return EXIT.fine;
  }
  stdout.write(waiting);
  return EXIT.fine;
};

/** The session form of the captures: connections by name, times in seconds with every digit. */
const replayLine = (record: MarketRecord): string | undefined => {
  const conn = JSON.stringify(`${record.source}-${record.connection}`);
  const begin = `{"ts":${secondsOf(record.receiveTime)},"conn":${conn}`;
  if (record.kind === 'frame') return `${begin},"t":"recv","data":${JSON.stringify(record.text)}}`;
  return record.kind === 'state' && record.state === 'connected'
    ? `${begin},"t":"connect"}`
    : undefined;
};

const secondsOf = (micros: number): string =>
  `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`;

const summaryLine = ({ file, start, end, bytes, created, ...flags }: SegmentSummary): string => {
  const marks = [flags.condensed ? 'frames given up' : '', flags.packed ? 'compressed' : ''];
  const since = flags.packed ? '' : formatTime(created);
  return [file, start, end, bytes, since, ...marks].filter((cell) => cell !== '').join('  ');
};

const verifiedLines = (verified: Verified): string => {
  const { file, records, frames, lost, damages } = verified;
  const missing = lost === 0 ? '' : `  ${lost} frames missing`;
  const lines = [`${file}  ${records} records  ${frames} frames${missing}`];
  for (const { position, bytes } of damages) {
    lines.push(`  damaged: ${bytes} bytes at position ${position}`);
  }
  return `${lines.join('\n')}\n`;
};

const readable = async <T>(directory: string, reading: Promise<T>): Promise<T> => {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof MdpError) throw cause;
    throw new MdpError('disk', `there is no journal that can be read in ${directory}`, {
      hint: 'name its directory: mdp journal ls DIR',
      context: { directory },
      cause,
    });
  }
};

const positionOf = (text: string | undefined): number => {
  const position = Number(text ?? 0);
  if (Number.isSafeInteger(position) && position >= 0) return position;
  throw usage(`--from: expected a position, got ${text}`);
};

const usage = (message: string): MdpError =>
  new MdpError('usage', message, { hint: 'mdp journal --help' });
