import { parseArgs } from 'node:util';
import { timeframeNames, timeframeSeconds } from '../market/timeframes.ts';
import { MdpError } from '../runtime/errors.ts';
import { columns, type Query, type View } from '../sinks/reader.ts';
import { rowFormats, type RowFormat } from './row-text.ts';
import { rangeOf } from './time-range.ts';

export type QueryArguments = {
  readonly query: Query;
  readonly format: RowFormat;
  /** Whether the limit is the table's own, so that the user is told of it. */
  readonly limitImplied: boolean;
  readonly config: string | undefined;
};

/**
 * Rows of a table when no limit is given. Other forms are for programs, which want all or say how
 * many.
 */
export const TABLE_ROWS = 100;

/**
 * What `mdp query` was asked; undefined for its help. Throws `MdpError` `usage` and what
 * node:util's parseArgs throws.
 */
export function parseQueryArguments(args: readonly string[]): QueryArguments | undefined {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help === true) return undefined;
  const [kindName, symbol, ...rest] = positionals;
  const kind = viewOf(kindName);
  if (symbol === undefined) throw usage('a SYMBOL is missing', `mdp query ${kind} BTCUSDT`);
  if (rest.length > 0) throw usage(`\`${rest.join(' ')}\` is too much: one SYMBOL at a time`);
  const format = formatOf(values.format ?? 'table');
  const { from, to } = rangeOf(values.from, values.to);
  const limitImplied = values.limit === undefined && format === 'table';
  return {
    query: {
      kind,
      symbol,
      venue: values.venue,
      timeframe: timeframeOf(values.timeframe, kind),
      from,
      to,
      limit: limitImplied ? TABLE_ROWS : limitOf(values.limit ?? '0'),
    },
    format,
    limitImplied,
    config: values.config,
  };
}

const options = {
  venue: { type: 'string' },
  timeframe: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  limit: { type: 'string' },
  format: { type: 'string' },
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function viewOf(name: string | undefined): View {
  const kinds = ['trades', 'quotes', 'bars', 'gaps'] as const;
  const kind = kinds.find((view) => view === name);
  if (kind !== undefined) return kind;
  const found = name === undefined ? 'nothing' : `\`${name}\``;
  throw usage(`expected ${Object.keys(columns).join(', ')} and a SYMBOL, got ${found}`);
}

function formatOf(name: string): RowFormat {
  const format = rowFormats.find((known) => known === name);
  if (format !== undefined) return format;
  throw usage(`--format: expected ${rowFormats.join(', ')}, got \`${name}\``);
}

function timeframeOf(name: string | undefined, kind: View): number | undefined {
  if (name === undefined) return undefined;
  if (kind !== 'bars') throw usage(`--timeframe is of bars; ${kind} have none`);
  const seconds = timeframeSeconds(name);
  if (seconds !== undefined) return seconds;
  throw usage(`--timeframe: expected one of ${timeframeNames.join(', ')}, got \`${name}\``);
}

/** undefined for 0, which is all. */
function limitOf(text: string): number | undefined {
  const limit = /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
  if (limit !== undefined) return limit === 0 ? undefined : limit;
  throw usage(`--limit: expected a number of rows, 0 for all, got \`${text}\``);
}

function usage(message: string, hint = 'mdp query --help'): MdpError {
  return new MdpError('usage', message, { hint });
}
